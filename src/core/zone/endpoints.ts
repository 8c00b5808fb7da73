import type { Endpoint, EndpointSlice } from '../object/endpoint-slice.ts';

/**
 * The endpoints that traffic may go to, one per address, over all slices of one Service.
 *
 * | any `ready` | any `serving` and `terminating` | result |
 * |-------------|---------------------------------|--------|
 * | yes         | –                               | the ready ones |
 * | no          | yes                             | the serving, terminating ones (kube-proxy's rule: never drop the last that still serves) |
 * | no          | no                              | none |
 *
 * An address may stand in several slices (a move between slices, one slice per port): it counts once, and as ready when any says so.
 * `publishNotReadyAddresses` already makes endpoints `ready`, so terminating ones are not excluded on top.
 */
export function usableEndpoints(slices: Iterable<EndpointSlice>): readonly Endpoint[] {
  const ready = new Map<string, Endpoint>();
  const draining = new Map<string, Endpoint>();
  for (const slice of slices) {
    for (const endpoint of slice.endpoints) {
      if (endpoint.ready) addOnce(ready, endpoint);
      else if (endpoint.serving && endpoint.terminating) addOnce(draining, endpoint);
    }
  }
  return [...(ready.size > 0 ? ready : draining).values()];
}

/** A duplicate that carries a hostname wins over one that does not, whatever their order. */
function addOnce(kept: Map<string, Endpoint>, endpoint: Endpoint): void {
  const known = kept.get(endpoint.address);
  if (!known || (known.hostname === '' && endpoint.hostname !== '')) kept.set(endpoint.address, endpoint);
}
