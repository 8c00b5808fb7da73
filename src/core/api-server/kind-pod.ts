import { asArray, asInteger, asObject, asString, type RawObject } from '../object/raw.ts';
import { check, dnsLabel, dnsSubdomain, type FieldError, forbiddenField, ipAddress, oneOf, required } from './field-error.ts';
import { jsonEqual, withoutUndefined } from './json.ts';
import { apiKind } from './kind.ts';
import { fields } from './shape.ts';

const GRACE_SECONDS_MAX = 86_400;

/** core/v1 Pod. Most of its spec is kept unread: nothing here runs a container. */
export const POD = apiKind({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  returnsDeleted: true,
  generation: true,
  nameRule: dnsSubdomain,
  selectableFields: ['spec.nodeName', 'status.phase', 'status.podIP'],
  shape: { spec: 'any', status: fields({ ...statusShape() }) },
  graceSeconds: (pod) => {
    const phase = asObject(pod['status'])?.['phase'];
    const bound = asString(asObject(pod['spec'])?.['nodeName']) !== undefined;
    if (!bound || phase === 'Failed' || phase === 'Succeeded') return 0;
    return asInteger(asObject(pod['spec'])?.['terminationGracePeriodSeconds'], 0, GRACE_SECONDS_MAX) ?? 30;
  },
  fill: (pod, previous) => ({
    ...pod,
    spec: fillSpec(asObject(pod['spec']) ?? {}),
    status: fillStatus(asObject(pod['status']) ?? {}, asObject(previous?.['status'])),
  }),
  validate: (pod, previous) => {
    const spec = asObject(pod['spec']) ?? {};
    const before = asObject(previous?.['spec']);
    if (before && !jsonEqual(immutable(before), immutable(spec)))
      return [forbiddenField('spec', 'pod updates may not change fields other than `spec.containers[*].image` and a few more')];
    return specErrors(spec);
  },
  validateStatus: (pod) =>
    asArray(asObject(pod['status'])?.['podIPs']).flatMap((entry, i) => check(`status.podIPs[${i}]`, asObject(entry)?.['ip'], ipAddress)),
});

function statusShape() {
  const kept = ['conditions', 'containerStatuses', 'hostIPs', 'initContainerStatuses', 'podIPs', 'observedGeneration'];
  const texts = ['hostIP', 'message', 'nominatedNodeName', 'phase', 'podIP', 'qosClass', 'reason', 'startTime'];
  return Object.fromEntries([...kept.map((key) => [key, 'any'] as const), ...texts.map((key) => [key, 'string'] as const)]);
}

function fillSpec(spec: RawObject): RawObject {
  return withoutUndefined({
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    enableServiceLinks: true,
    ...spec,
    containers: asArray(spec['containers']).length > 0 ? asArray(spec['containers']).map(fillContainer) : undefined,
  });
}

function fillContainer(raw: unknown): RawObject {
  const container = asObject(raw) ?? {};
  const ports = asArray(container['ports']);
  return { ...container, ...(ports.length > 0 && { ports: ports.map((port) => ({ protocol: 'TCP', ...asObject(port) })) }) };
}

/** `podIP` is the first of `podIPs`; whichever a write changed wins. */
function fillStatus(status: RawObject, before: RawObject | undefined): RawObject {
  const ip = asString(status['podIP']);
  const first = asString(asObject(asArray(status['podIPs'])[0])?.['ip']);
  const ipChanged = ip !== undefined && ip !== first && ip !== before?.['podIP'];
  const podIps = ipChanged || (ip !== undefined && first === undefined) ? [{ ip }] : status['podIPs'];
  const phase = status['phase'] ?? 'Pending';
  return withoutUndefined({
    ...status,
    phase,
    qosClass: status['qosClass'] ?? 'BestEffort',
    podIP: ipChanged ? ip : (first ?? ip),
    podIPs: podIps,
  });
}

function specErrors(spec: RawObject): readonly FieldError[] {
  const containers = asArray(spec['containers']);
  if (containers.length === 0) return [required('spec.containers')];
  return [
    ...containers.flatMap((container, i) => containerErrors(`spec.containers[${i}]`, asObject(container) ?? {})),
    ...oneOf('spec.restartPolicy', spec['restartPolicy'], ['Always', 'OnFailure', 'Never']),
    ...(['hostname', 'subdomain'] as const).flatMap((key) => (spec[key] ? check(`spec.${key}`, spec[key], dnsLabel) : [])),
    ...(spec['nodeName'] ? check('spec.nodeName', spec['nodeName'], dnsSubdomain) : []),
  ];
}

function containerErrors(at: string, container: RawObject): readonly FieldError[] {
  return [
    ...(container['name'] ? check(`${at}.name`, container['name'], dnsLabel) : [required(`${at}.name`)]),
    ...(container['image'] ? [] : [required(`${at}.image`)]),
    ...asArray(container['ports']).flatMap((port, i) =>
      asObject(port)?.['containerPort'] ? [] : [required(`${at}.ports[${i}].containerPort`)],
    ),
  ];
}

/** What no update may change. */
function immutable(spec: RawObject): RawObject {
  const { activeDeadlineSeconds: _deadline, terminationGracePeriodSeconds: _grace, tolerations: _tolerations, ...rest } = spec;
  const containers = asArray(spec['containers']).map((container) => ({ ...asObject(container), image: undefined }));
  return { ...rest, containers };
}
