import type { EndpointSlice } from '../object/endpoint-slice.ts';
import type { Service, ServicePort } from '../object/service.ts';

/** A port of a Service that is another one at its pods. By name clients reach these directly, so it is theirs that they must use. */
export interface PortGap {
  readonly port: ServicePort;
  /** Where the pods listen, ascending. */
  readonly real: readonly number[];
}

const PORTS_LISTED_MAX = 5;

/** The ports of a Service that differ from those of its endpoints. A port that no endpoint has is no gap. */
export function portGaps(service: Service, slices: readonly EndpointSlice[]): readonly PortGap[] {
  const inUse = slices.filter((slice) => slice.endpoints.length > 0).flatMap((slice) => slice.ports);
  return service.ports.flatMap((port) => {
    const same = inUse.filter((one) => one.name === port.name && one.protocol === port.protocol);
    const real = [...new Set(same.map((one) => one.port))].sort((a, b) => a - b);
    return real.length === 0 || (real.length === 1 && real[0] === port.port) ? [] : [{ port, real }];
  });
}

/** `port 8080, not 80 (http)/TCP`: what clients must use. */
export function portGapText({ port, real }: PortGap): string {
  const label = port.name === '' ? '' : ` (${port.name})`;
  const more = real.length > PORTS_LISTED_MAX ? ` and ${real.length - PORTS_LISTED_MAX} more` : '';
  const list = real.slice(0, PORTS_LISTED_MAX).join(', ');
  const use = real.length === 1 ? `port ${list}` : `ports ${list}${more}, which differ from pod to pod`;
  return `${use}, not ${port.port}${label}/${port.protocol}`;
}
