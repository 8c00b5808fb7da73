import type { ApiKind } from './kind.ts';
import { ENDPOINT_SLICE } from './kind-endpoint-slice.ts';
import { EVENT } from './kind-event.ts';
import { INGRESS } from './kind-ingress.ts';
import { LEASE } from './kind-lease.ts';
import { NAMESPACE, NODE } from './kind-node.ts';
import { POD } from './kind-pod.ts';
import { SERVICE } from './kind-service.ts';

/** The kinds of the embedded server; further rows (custom resources) may be appended by whoever creates one. */
export const API_KINDS: readonly ApiKind[] = [NAMESPACE, NODE, POD, SERVICE, LEASE, ENDPOINT_SLICE, EVENT, INGRESS];
