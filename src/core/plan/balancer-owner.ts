import type { ExternalService } from '../object/external-service.ts';
import type { LoadBalancer } from '../object/load-balancer.ts';
import { ownerNotices, ownerOf } from '../object/service-class.ts';
import type { Cidr } from '../value/ip.ts';
import type { Notice } from '../value/notice.ts';
import { isOurIngress } from './balancer-status.ts';

export interface ClasslessFacts {
  /** `-class`: the spec.loadBalancerClass that is by proxy. */
  readonly loadBalancerClass: string;
  /** `-classless`: whether Services without a class are taken. */
  readonly classless: boolean;
  /** `-prefix`: a Service without a class that asks for an address in one of them is by route. */
  readonly prefixes: readonly Cidr[];
  /** For how long the Service's status has been empty, as far as was seen. */
  readonly emptySecondsOf: (service: ExternalService) => number;
}

export type BalancerOwner =
  | { readonly kind: 'ours' | 'not-ours'; readonly notices: readonly Notice[] }
  | { readonly kind: 'waiting'; readonly seconds: number; readonly notices: readonly Notice[] };

/**
 * Whether a Service is by proxy, by the truth table of `ownerOf`. The Service's own LoadBalancer is the memory of having served it: with one
 * there is no waiting, and a status that another controller has written since means that it was overwritten.
 */
export function judgeOwner(
  service: ExternalService,
  balancer: LoadBalancer | undefined,
  hosts: ReadonlySet<string>,
  facts: ClasslessFacts,
): BalancerOwner {
  if (service.ignored) return { kind: 'not-ours', notices: [] };
  const ours = isOurIngress(service.status, balancer ? new Set([...hosts, balancer.host]) : hosts);
  const writer = service.status.length === 0 ? 'nobody' : ours ? 'proxy' : 'other';
  const owner = ownerOf(
    service,
    { byName: '', byRoute: '', byProxy: facts.loadBalancerClass, routePrefixes: facts.prefixes, classless: facts.classless },
    {
      writer,
      emptySeconds: balancer ? Number.POSITIVE_INFINITY : facts.emptySecondsOf(service),
      overwritten: balancer !== undefined && writer === 'other' && balancer.phase === 'READY',
    },
  );
  if (owner.kind === 'waiting') return { kind: 'waiting', seconds: owner.seconds, notices: [] };
  // Another's class is no news to anybody.
  const notices = service.loadBalancerClass === '' ? ownerNotices(service, owner) : [];
  return { kind: owner.kind === 'way' && owner.way === 'proxy' ? 'ours' : 'not-ours', notices };
}
