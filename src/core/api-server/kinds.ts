import type { ApiKind } from './kind.ts';
import { ENDPOINT_SLICE } from './kind-endpoint-slice.ts';
import { EVENT } from './kind-event.ts';
import { INGRESS } from './kind-ingress.ts';
import { LEASE } from './kind-lease.ts';
import { NAMESPACE, NODE } from './kind-node.ts';
import { POD } from './kind-pod.ts';
import { SERVICE } from './kind-service.ts';

/** The kinds of the embedded server; further rows (custom resources) may be appended by whoever creates one. */
const API_KINDS: readonly ApiKind[] = [NAMESPACE, NODE, POD, SERVICE, LEASE, ENDPOINT_SLICE, EVENT, INGRESS];

/** The kinds of the table and these; a row for a kind that the table has takes its place. */
export function kindsWith(further: readonly ApiKind[]): readonly ApiKind[] {
  const replaced = (kind: ApiKind) =>
    further.some((each) => each.group === kind.group && each.plural === kind.plural && each.version === kind.version);
  return [...API_KINDS.filter((kind) => !replaced(kind)), ...further];
}
