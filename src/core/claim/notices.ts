import type { Notice, ObjectRef } from '../value/notice.ts';
import { unreachable } from '../value/result.ts';
import type { ClaimFault, ClaimKind, ClaimSource } from './claim.ts';
import type { ClaimOutcome, Decision, Loss, Refusal } from './decision.ts';

const API_VERSIONS: { readonly [K in ClaimKind]: string } = {
  Service: 'v1',
  Ingress: 'networking.k8s.io/v1',
  HTTPRoute: 'gateway.networking.k8s.io/v1',
  GRPCRoute: 'gateway.networking.k8s.io/v1',
  TLSRoute: 'gateway.networking.k8s.io/v1',
};

/** Names the object that made a claim, for Events and logs. */
export function refOfSource({ kind, namespace, name, uid }: ClaimSource): ObjectRef {
  return { apiVersion: API_VERSIONS[kind], kind, namespace, name, uid };
}

/** What users should hear about who got a name: refused and lost claims. */
export function decisionNotices(decision: Decision): readonly Notice[] {
  return decision.outcomes.flatMap((outcome) => outcomeNotice(decision, outcome) ?? []);
}

/** What users should hear about an object itself: hosts that are none. A class that is not ours and a missing address are everyday. */
export function faultNotices(source: ClaimSource, faults: readonly ClaimFault[]): readonly Notice[] {
  return faults.flatMap((fault) => {
    if (fault.code !== 'bad-host' && fault.code !== 'too-many-hosts') return [];
    return { object: refOfSource(source), code: 'InvalidHost', text: `${fault.detail}; the other hosts are served.` };
  });
}

function outcomeNotice({ pattern }: Decision, outcome: ClaimOutcome): Notice | undefined {
  const object = refOfSource(outcome.claim.source);
  switch (outcome.kind) {
    case 'owner':
      return undefined;
    case 'refused':
      return { object, code: 'HostRefused', text: `${pattern} is not served for this ${object.kind}: ${refusalText(outcome.refusal)}.` };
    case 'lost': {
      const by = outcome.to ? ` ${describeSource(outcome.to.source)}` : '';
      return { object, code: 'HostConflict', text: `${pattern} is not served for this ${object.kind}: ${lossText(outcome.loss)}${by}.` };
    }
  }
}

/** `Ingress team-a/web`. */
export function describeSource({ kind, namespace, name }: ClaimSource): string {
  return `${kind} ${namespace}/${name}`;
}

/** Why a claim may not be, as the end of a sentence. */
export function refusalText(refusal: Refusal): string {
  switch (refusal) {
    case 'not-listed':
      return '-claim-hosts lists no pattern for it';
    case 'reserved-for-others':
      return '-claim-hosts reserves it for other namespaces';
    case 'too-wide':
      return 'it would take a whole top-level domain; such a pattern must stand in -claim-hosts as it is';
    case 'apex':
      return 'it is the name of the zone itself';
    case 'name-server':
      return 'it is a name of the zone’s servers';
    case 'namespace-node':
      return 'it stands for a namespace that has Services';
    case 'other-namespace':
      return 'it lies below the name of another namespace';
    default:
      return unreachable(refusal);
  }
}

/** Why a claim lost; the winner's name follows. */
export function lossText(loss: Loss): string {
  switch (loss) {
    case 'service-name':
      return 'a Service has this name';
    case 'older':
      return 'an older object of another namespace has it:';
    case 'precedence':
      return 'another object of this namespace comes first:';
    default:
      return unreachable(loss);
  }
}
