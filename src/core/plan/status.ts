import { refOf } from '../object/raw.ts';
import type { Service } from '../object/service.ts';
import { isByName } from '../object/service-class.ts';
import { type DnsName, joinName } from '../value/dns-name.ts';
import type { Notice, NoticeCode } from '../value/notice.ts';

export interface StatusOptions {
  /** `-class`: the `spec.loadBalancerClass` that is by name. */
  readonly loadBalancerClass: string;
  /** `-domain`. */
  readonly domain: DnsName;
}

/** A merge patch for a Service's status subresource. It carries the resourceVersion it was planned on: 409 means plan again. */
export interface StatusPatch {
  readonly path: string;
  readonly body: {
    readonly metadata: { readonly resourceVersion: string };
    /** `null` clears the list (RFC 7396). */
    readonly status: { readonly loadBalancer: { readonly ingress: readonly { readonly hostname: DnsName }[] | null } };
  };
}

export interface StatusPlan {
  /** Absent: nothing is to be written. */
  readonly patch?: StatusPatch;
  readonly notices: readonly Notice[];
}

/**
 * Decides what by name writes into a Service's `status.loadBalancer`.
 *
 * | our class | status is our name alone | name fits a DNS name | result |
 * |-----|-----|-----|------|
 * | no  | –   | –   | nothing (the API server itself clears the status when the type changes) |
 * | yes | yes | yes | nothing |
 * | yes | no  | yes | patch, whatever stands there: a class has one owner, and `-domain` may have changed |
 * | yes | –   | no  | notice |
 */
export function planStatus(service: Service, options: StatusOptions): StatusPlan {
  if (!isByName(service, options.loadBalancerClass)) return { notices: [] };
  const hostname = serviceName(service, options.domain);
  if (!hostname)
    return { notices: [notice(service, 'NameTooLong', `${service.name}.${service.namespace}.${options.domain} is no DNS name.`)] };
  const notices = service.sourceRanges ? [sourceRangesNotice(service)] : [];
  if (isOnly(service, hostname)) return { notices };
  return { patch: patchOf(service, [{ hostname }]), notices };
}

export interface CleanupPlan {
  readonly clear: readonly { readonly service: Service; readonly patch: StatusPatch }[];
  /** Services of our class whose status is not what this configuration writes. */
  readonly keep: readonly Service[];
}

/** Decides which statuses `minilb cleanup` clears: those of our class that equal our value, and nothing else. */
export function planCleanup(services: Iterable<Service>, options: StatusOptions): CleanupPlan {
  const clear: { service: Service; patch: StatusPatch }[] = [];
  const keep: Service[] = [];
  for (const service of services) {
    if (!isByName(service, options.loadBalancerClass) || service.ingress.length === 0) continue;
    const hostname = serviceName(service, options.domain);
    if (hostname && isOnly(service, hostname)) clear.push({ service, patch: patchOf(service, null) });
    else keep.push(service);
  }
  return { clear, keep };
}

/** `<svc>.<ns>.<domain>`; undefined when it is too long. `-domain` is checked for that, so only odd Service names come here. */
export function serviceName(service: { readonly namespace: string; readonly name: string }, domain: DnsName): DnsName | undefined {
  return joinName(service.name, service.namespace, domain);
}

function isOnly(service: Service, hostname: DnsName): boolean {
  const [first, ...rest] = service.ingress;
  return first?.hostname === hostname && first.ip === undefined && rest.length === 0;
}

function patchOf(service: Service, ingress: readonly { readonly hostname: DnsName }[] | null): StatusPatch {
  return {
    path: `/api/v1/namespaces/${service.namespace}/services/${service.name}/status`,
    body: { metadata: { resourceVersion: service.resourceVersion }, status: { loadBalancer: { ingress } } },
  };
}

function sourceRangesNotice(service: Service): Notice {
  const text =
    'spec.loadBalancerSourceRanges is not enforced: clients of a name connect to the pods themselves. Use a NetworkPolicy instead.';
  return notice(service, 'SourceRangesNotEnforced', text);
}

function notice(service: Service, code: NoticeCode, text: string): Notice {
  return { object: refOf('v1', 'Service', service), code, text };
}
