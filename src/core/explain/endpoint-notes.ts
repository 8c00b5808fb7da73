import type { Endpoint, EndpointSlice } from '../object/endpoint-slice.ts';
import { keyOf } from '../object/raw.ts';
import type { Service } from '../object/service.ts';
import { fact, type NoteReport, trouble } from '../value/report.ts';
import { usableEndpoints } from '../zone/endpoints.ts';
import { portGaps, portGapText } from '../zone/port-gaps.ts';

/** How many endpoints are named one by one; a Service may have thousands. */
const NAMED_MAX = 20;

/** Which endpoints of a Service its name gives out, and why not the others. */
export function endpointNotes(service: Service, slices: readonly EndpointSlice[]): readonly NoteReport[] {
  const key = keyOf(service);
  if (slices.length === 0)
    return [
      trouble(
        'NoEndpointSlices',
        `Service ${key} has no EndpointSlices: nobody has made any. If it has a selector, look at kube-controller-manager; if not, they are yours to write.`,
      ),
    ];
  const all = distinct(slices);
  const usable = usableEndpoints(slices);
  const left = all.filter((endpoint) => !usable.some((one) => one.address === endpoint.address));
  if (all.length === 0)
    return [trouble('NoEndpoints', `Service ${key} has no endpoints: no pod matches its selector, or none has an address yet.`)];
  return [
    ...usableNotes(key, usable, all.length),
    ...left.slice(0, NAMED_MAX).map((one) => leftOutNote(one, usable.length)),
    ...rest(left),
  ];
}

function usableNotes(key: string, usable: readonly Endpoint[], total: number): readonly NoteReport[] {
  const [first] = usable;
  if (!first)
    return [
      trouble(
        'NoUsableEndpoint',
        `${total === 1 ? 'The only endpoint' : `None of the ${total} endpoints`} of Service ${key} can${total === 1 ? 'not' : ''} be used.`,
      ),
    ];
  if (first.ready) return [fact('EndpointsReady', readyText(key, usable.length, total))];
  return [
    trouble(
      'OnlyTerminating',
      `No endpoint of Service ${key} is ready. ${usable.length} ${isAre(usable.length)} shutting down and still ${usable.length === 1 ? 'serves' : 'serve'}: ` +
        'better that than nothing, until another is ready.',
    ),
  ];
}

function readyText(key: string, ready: number, total: number): string {
  if (total === 1) return `The only endpoint of Service ${key} is ready.`;
  return ready === total
    ? `All ${total} endpoints of Service ${key} are ready.`
    : `${ready} of the ${total} endpoints of Service ${key} ${isAre(ready)} ready.`;
}

function leftOutNote(endpoint: Endpoint, usable: number): NoteReport {
  const who = `${endpoint.address}${endpoint.nodeName === '' ? '' : ` on node ${endpoint.nodeName}`}`;
  if (endpoint.terminating && endpoint.serving && usable > 0)
    return fact('EndpointTerminating', `${who} is left out: its pod is shutting down, and others are ready.`);
  if (endpoint.terminating) return fact('EndpointTerminating', `${who} is left out: its pod is shutting down and serves no more.`);
  return trouble(
    'EndpointNotReady',
    `${who} is left out: its pod is not ready (kubectl describe pod shows which probe or condition fails).`,
  );
}

function rest(left: readonly Endpoint[]): readonly NoteReport[] {
  const more = left.length - NAMED_MAX;
  return more > 0 ? [trouble('MoreEndpointsLeftOut', `${more} more ${more === 1 ? 'is' : 'are'} left out.`)] : [];
}

/**
 * What clients must know of ports: a name leads to the pods themselves, so `port` counts for nothing and the pods' own port for all. One
 * note for each port of the Service that differs.
 */
export function portNotes(service: Service, slices: readonly EndpointSlice[]): readonly NoteReport[] {
  return portGaps(service, slices).map((gap) =>
    trouble('PortGap', `Clients must use ${portGapText(gap)}: the name leads straight to the pods, and that is where they listen.`),
  );
}

/** `spec.loadBalancerSourceRanges` says who may connect, and by name nobody is there to enforce it. */
export function sourceRangeNotes(service: Service): readonly NoteReport[] {
  if (!service.sourceRanges) return [];
  const text = 'loadBalancerSourceRanges is not enforced: clients reach the pods without passing a load balancer. Use a NetworkPolicy.';
  return [trouble('SourceRangesNotEnforced', text)];
}

function distinct(slices: readonly EndpointSlice[]): readonly Endpoint[] {
  const byAddress = new Map<string, Endpoint>();
  for (const endpoint of slices.flatMap((slice) => slice.endpoints)) {
    const known = byAddress.get(endpoint.address);
    if (!known || (!known.ready && endpoint.ready)) byAddress.set(endpoint.address, endpoint);
  }
  return [...byAddress.values()];
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function isAre(count: number): string {
  return count === 1 ? 'is' : 'are';
}
