import { keyOf } from '../object/raw.ts';
import type { Service } from '../object/service.ts';
import { isByName } from '../object/service-class.ts';
import { fact, type NoteReport } from '../value/report.ts';
import type { ClusterView } from '../zone/zone.ts';
import { endpointNotes, portNotes, sourceRangeNotes } from './endpoint-notes.ts';

/** What a Service's own name answers, and why. */
export function serviceNotes(service: Service, facts: { readonly view: ClusterView; readonly byName: string }): readonly NoteReport[] {
  const key = keyOf(service);
  if (service.type === 'ExternalName')
    return [fact('ExternalName', `Service ${key} is of type ExternalName: the name is a CNAME to ${service.externalName}.`)];
  const slices = [...facts.view.slices(key)];
  return [
    fact('Service', `It is the name of Service ${key}, ${describe(service)}.`),
    ...endpointNotes(service, slices),
    ...portNotes(service, slices),
    ...(isByName(service, facts.byName) ? sourceRangeNotes(service) : []),
  ];
}

function describe({ type, loadBalancerClass, headless }: Service): string {
  if (headless) return 'which is headless: every endpoint is given out, also over UDP';
  return loadBalancerClass === '' ? `of type ${type}` : `of type ${type} and class ${loadBalancerClass}`;
}
