import type { Ingress } from '../object/ingress.ts';
import { keyOf } from '../object/raw.ts';
import type { Route } from '../object/route.ts';
import type { Service } from '../object/service.ts';
import type { Claimant } from './claim-notes.ts';

/** The objects that may claim names, as `explainName` wants them. */
export function* claimantsOf(services: Iterable<Service>, ingresses: Iterable<Ingress>, routes: Iterable<Route>): Generator<Claimant> {
  for (const service of services) {
    const text = service.annotations['minilb/host'];
    if (text !== undefined) yield { kind: 'Service', key: keyOf(service), hosts: text.split(',') };
  }
  for (const ingress of ingresses) yield { kind: 'Ingress', key: keyOf(ingress), hosts: ingress.hosts };
  for (const route of routes) yield { kind: route.kind, key: keyOf(route), hosts: route.hostnames };
}
