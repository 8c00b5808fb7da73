import { keyOf } from '../object/raw.ts';
import type { Service } from '../object/service.ts';
import { isByName } from '../object/service-class.ts';
import { joinName } from '../value/dns-name.ts';
import { fact, type NoteReport, trouble } from '../value/report.ts';
import { usableEndpoints } from '../zone/endpoints.ts';
import { answerMode, unroutableEndpoints } from '../zone/service-names.ts';
import type { ClusterView, Zone } from '../zone/zone.ts';
import { endpointNotes, portNotes, sourceRangeNotes } from './endpoint-notes.ts';

/** What a Service's own name answers, and why; `lead` begins the first sentence. */
export function serviceNotes(
  service: Service,
  facts: { readonly view: ClusterView; readonly zone: Zone },
  lead: string = 'It is the name of',
): readonly NoteReport[] {
  const { zone } = facts;
  const { byName, domain } = zone.naming;
  const key = keyOf(service);
  if (service.ignored) return [trouble('Ignored', `Service ${key} has the label minilb/ignore: it has no name.`)];
  const own = joinName(service.name, service.namespace, domain);
  if (!own || zone.names.get(own)?.owner !== 'service')
    return [trouble('NotPublished', `Service ${key} has no name: -services=class publishes only our classes and annotated Services.`)];
  if (service.type === 'ExternalName')
    return [fact('ExternalName', `Service ${key} is of type ExternalName: the name is a CNAME to ${service.externalName}.`)];
  const head = fact('Service', `${lead} Service ${key}, ${describe(service)}.`);
  const slices = [...facts.view.slices(key)];
  const ranges = isByName(service, byName) ? sourceRangeNotes(service) : [];
  switch (answerMode(service, byName, own)) {
    case 'addresses':
      return [
        head,
        fact('StatusAddresses', `It answers with the addresses in the status of Service ${key}, as its load balancer wrote them.`),
      ];
    case 'nodes':
      return [
        head,
        fact('NodeAddresses', 'It answers with the addresses of the Nodes that run a usable endpoint (minilb/answer: nodes).'),
        ...endpointNotes(service, slices),
      ];
    case 'endpoints': {
      const lost = unroutableEndpoints(service, usableEndpoints(slices), byName, zone.nodes());
      const unroutable = lost.map(({ address }) =>
        trouble(
          'UnroutableEndpoint',
          `${address} is left out: it lies outside every podCIDR and the Nodes’ networks, where no client could reach it.`,
        ),
      );
      return [head, ...endpointNotes(service, slices), ...unroutable, ...portNotes(service, slices), ...ranges];
    }
  }
}

function describe({ type, loadBalancerClass, headless }: Service): string {
  if (headless) return 'which is headless: every endpoint is given out, also over UDP';
  return loadBalancerClass === '' ? `of type ${type}` : `of type ${type} and class ${loadBalancerClass}`;
}
