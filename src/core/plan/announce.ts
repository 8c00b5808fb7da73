import type { Endpoint } from '../object/endpoint-slice.ts';

/** What an agent knows of its Node. */
export interface NodeEligibility {
  readonly eligible: boolean;
  /** Why not, for `minilb l3 status`. */
  readonly reason: string;
}

/** One Service and address family as one node sees it. */
export interface AnnounceInputs {
  /** The node that asks. */
  readonly node: string;
  readonly eligibility: NodeEligibility;
  /** All endpoints of the family, from all slices. */
  readonly endpoints: readonly Endpoint[];
  /** `externalTrafficPolicy: Local`. */
  readonly localPolicy: boolean;
  /** True for a node whose condition Ready is not True. */
  readonly nodeDown: (name: string) => boolean;
  /** For how long no endpoint has been ready on this node. */
  readonly notReadyHereSeconds: number;
  /** For how long no endpoint has been usable anywhere. */
  readonly unusableSeconds: number;
  /** `-drain-seconds`. */
  readonly drainSeconds: number;
  /** `-hold`. */
  readonly holdSeconds: number;
}

/** `keep`: announce if it is announced already, do not begin, and look again after `seconds`. */
export type AnnounceVerdict =
  | { readonly kind: 'announce' | 'withdraw'; readonly reason: AnnounceReason }
  | { readonly kind: 'keep'; readonly reason: AnnounceReason; readonly seconds: number };

/** Stable words for `minilb l3 status`. */
export type AnnounceReason =
  | 'ready-here'
  | 'last-serving-here'
  | 'endpoints-without-node'
  | 'draining'
  | 'held-through-node-outage'
  | 'node-excluded'
  | 'not-here'
  | 'only-terminating-here'
  | 'no-usable-endpoint'
  | 'local-without-node';

/**
 * Decides whether this node announces the addresses of a Service, by one family's endpoints.
 *
 * | node eligible | endpoints | result |
 * |----|-----|-----|
 * | no | – | withdraw |
 * | yes | a ready one here | announce |
 * | yes | only serving and terminating here, ready ones elsewhere | withdraw; keep for `-drain-seconds` |
 * | yes | none ready anywhere, a serving and terminating one here | announce: never remove the last |
 * | yes | usable ones without nodeName, policy Cluster | announce |
 * | yes | usable ones without nodeName only, policy Local | withdraw |
 * | yes | usable ones, none here | withdraw |
 * | yes | none usable, and all are on nodes that are not Ready | keep for `-hold`: an outage of the API server looks like this |
 * | yes | the same, while pods of other nodes are not yet marked unready | keep for `-hold`: they are marked one by one |
 * | yes | none usable otherwise | withdraw |
 *
 * Usable as kube-proxy has it: ready, or, when nothing is ready anywhere, serving and terminating. A node that is cordoned or NotReady
 * goes on announcing: its pods may serve, and withdrawing on cordon was an outage (metallb#2470, #2715).
 */
export function judgeAnnouncement(inputs: AnnounceInputs): AnnounceVerdict {
  const { node, eligibility, endpoints, localPolicy } = inputs;
  if (!eligibility.eligible) return { kind: 'withdraw', reason: 'node-excluded' };
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const usable = ready.length > 0 ? ready : endpoints.filter(isLastResort);
  const here = usable.some((endpoint) => endpoint.nodeName === node);
  if (here) return { kind: 'announce', reason: ready.length > 0 ? 'ready-here' : 'last-serving-here' };
  if (usable.length === 0) return judgeUnusable(inputs);
  const nodeless = usable.some((endpoint) => endpoint.nodeName === '');
  if (nodeless && !localPolicy) return { kind: 'announce', reason: 'endpoints-without-node' };
  if (endpoints.some((endpoint) => endpoint.nodeName === node && isLastResort(endpoint))) return judgeDraining(inputs);
  const held = inputs.holdSeconds - inputs.notReadyHereSeconds;
  if (isOutage(inputs) && held > 0 && endpoints.some((one) => one.nodeName === node))
    return { kind: 'keep', reason: 'held-through-node-outage', seconds: held };
  return { kind: 'withdraw', reason: nodeless && usable.every((one) => one.nodeName === '') ? 'local-without-node' : 'not-here' };
}

/** Whether a Node may announce anything. `drainTaint` is `-drain-taint`, empty for none. */
export function judgeNode(
  node: { readonly excluded: boolean; readonly networkUnavailable: boolean; readonly taints: readonly string[] } | undefined,
  drainTaint: string,
): NodeEligibility {
  if (node?.excluded) return { eligible: false, reason: 'the Node has the label node.kubernetes.io/exclude-from-external-load-balancers' };
  if (node?.networkUnavailable) return { eligible: false, reason: 'the Node’s condition NetworkUnavailable is True' };
  if (drainTaint !== '' && node?.taints.includes(drainTaint)) return { eligible: false, reason: `the Node has the taint ${drainTaint}` };
  return { eligible: true, reason: '' };
}

/** All Nodes of a Service's endpoints are not Ready at once: that is the API server's trouble, and no reason to believe it of the pods. */
function isOutage({ endpoints, nodeDown }: AnnounceInputs): boolean {
  return endpoints.length > 0 && endpoints.every((one) => one.nodeName !== '' && !one.terminating && nodeDown(one.nodeName));
}

function judgeUnusable(inputs: AnnounceInputs): AnnounceVerdict {
  const seconds = inputs.holdSeconds - inputs.unusableSeconds;
  if (isOutage(inputs) && seconds > 0) return { kind: 'keep', reason: 'held-through-node-outage', seconds };
  return { kind: 'withdraw', reason: 'no-usable-endpoint' };
}

function judgeDraining({ drainSeconds, notReadyHereSeconds }: AnnounceInputs): AnnounceVerdict {
  const seconds = drainSeconds - notReadyHereSeconds;
  return seconds > 0 ? { kind: 'keep', reason: 'draining', seconds } : { kind: 'withdraw', reason: 'only-terminating-here' };
}

function isLastResort(endpoint: Endpoint): boolean {
  return !endpoint.ready && endpoint.serving && endpoint.terminating;
}
