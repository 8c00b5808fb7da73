import { asInteger, asObject, asString, type RawObject } from '../object/raw.ts';
import { check, dnsSubdomain, type FieldError, invalidValue, qualifiedName, required } from './field-error.ts';
import { jsonEqual } from './json.ts';
import { apiKind } from './kind.ts';
import { fields } from './shape.ts';

const NOTE_BYTES_MAX = 1024;
const TEXT_BYTES_MAX = 128;
const OBJECT_REFERENCE = fields({
  apiVersion: 'string',
  fieldPath: 'string',
  kind: 'string',
  name: 'string',
  namespace: 'string',
  resourceVersion: 'string',
  uid: 'string',
});

/** events.k8s.io/v1 Event. The causes of a 422 name the fields as the internal type does: `message` is the note. */
export const EVENT = apiKind({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  statusSubresource: false,
  createsOnUpdate: true,
  nameRule: dnsSubdomain,
  selectableFields: ['reason', 'regarding.kind', 'regarding.namespace', 'regarding.name', 'regarding.uid', 'type', 'reportingController'],
  shape: {
    action: 'string',
    deprecatedCount: 'integer',
    deprecatedFirstTimestamp: 'time',
    deprecatedLastTimestamp: 'time',
    deprecatedSource: 'any',
    eventTime: 'micro-time',
    note: 'string',
    reason: 'string',
    regarding: OBJECT_REFERENCE,
    related: OBJECT_REFERENCE,
    reportingController: 'string',
    reportingInstance: 'string',
    series: fields({ count: 'integer', lastObservedTime: 'micro-time' }),
    type: 'string',
  },
  validate: (event, previous) => [...ownErrors(event), ...(previous ? immutableErrors(event, previous) : [])],
});

function ownErrors(event: RawObject): readonly FieldError[] {
  const series = asObject(event['series']);
  const type = event['type'];
  return [
    ...(event['eventTime'] === undefined ? [required('eventTime')] : []),
    ...(event['reportingController'] === undefined ? [required('reportingController')] : []),
    ...check('reportingController', event['reportingController'] ?? '', qualifiedName),
    ...needed(event, 'reportingInstance'),
    ...needed(event, 'action'),
    ...needed(event, 'reason'),
    ...(type === 'Normal' || type === 'Warning' ? [] : [invalidValue('type', '', `has invalid value: ${type ?? ''}`)]),
    ...(utf8Bytes(asString(event['note']) ?? '') > NOTE_BYTES_MAX ? [invalidValue('message', '', 'can have at most 1024 characters')] : []),
    ...(series && asInteger(series['count'], 2, 2 ** 31) === undefined ? [invalidValue('series.count', '', 'should be at least 2')] : []),
  ];
}

function needed(event: RawObject, key: string): readonly FieldError[] {
  const text = asString(event[key]);
  if (text === undefined) return [required(key)];
  return utf8Bytes(text) > TEXT_BYTES_MAX ? [invalidValue(key, '', 'can have at most 128 characters')] : [];
}

/** Only `series` may change once an Event stands. */
function immutableErrors(event: RawObject, previous: RawObject): readonly FieldError[] {
  const names = { note: 'message', regarding: 'involvedObject', reportingController: 'reportingController', action: 'action' };
  const others = { reason: 'reason', type: 'type', eventTime: 'eventTime', reportingInstance: 'reportingInstance', related: 'related' };
  return Object.entries({ ...names, ...others })
    .filter(([key]) => !jsonEqual(event[key], previous[key]))
    .map(([key, field]) => invalidValue(field, event[key], 'field is immutable'));
}

function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}
