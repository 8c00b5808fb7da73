import { dnsSubdomain } from '../../src/core/api-server/field-error.ts';
import { type ApiKind, apiKind } from '../../src/core/api-server/kind.ts';

/** Rows for the embedded API server: the kinds of the Gateway API as Gateway API 1.6 serves them, and the experimental one of 1.3. */
export const GATEWAY_KINDS: readonly ApiKind[] = [
  row('Gateway', 'gateway'),
  row('ListenerSet', 'listenerset'),
  row('HTTPRoute', 'httproute'),
  row('GRPCRoute', 'grpcroute'),
  row('TLSRoute', 'tlsroute'),
  row('XListenerSet', 'xlistenerset', 'gateway.networking.x-k8s.io', 'v1alpha1'),
];

/** Whatever a test puts into spec and status is kept: that is how a broken object gets in. */
function row(kind: string, singular: string, group = 'gateway.networking.k8s.io', version = 'v1'): ApiKind {
  return apiKind({
    group,
    version,
    kind,
    singular,
    plural: `${singular}s`,
    generation: true,
    nameRule: dnsSubdomain,
    shape: { spec: 'any', status: 'any' },
  });
}
