import type { AttachmentFault, RefusedParent } from '../claim/attachment.ts';
import type { ClaimFault, ClaimKind, ObjectClaims } from '../claim/claim.ts';
import { matchesHost } from '../claim/host.ts';
import type { DnsName } from '../value/dns-name.ts';
import { type NoteReport, trouble } from '../value/report.ts';
import { unreachable } from '../value/result.ts';

/** What is in the way of an object that may mean a name: of the object itself, of its parents and their listeners. */
export function faultNotes(name: DnsName, { source, claims, faults, attachments }: ObjectClaims): readonly NoteReport[] {
  const who = `${source.kind} ${source.namespace}/${source.name}`;
  const has = claims.some((claim) => matchesHost(claim.pattern, claim.reach, name));
  // What has the name through one listener is not for every other one; a whole parent that is missing costs addresses.
  const refused = (attachments?.refused ?? []).filter(({ listener }) => !has || listener === '');
  const doubtful = (attachments?.attached ?? []).filter(({ host, refusal }) => refusal !== undefined && matchesHost(host, 'many', name));
  return [
    ...(has ? [] : faults.map((fault) => trouble('ClaimFault', `${who} ${faultText(fault, source.kind)}.`))),
    ...refused.map((parent) => trouble('ParentRefused', `${who} gets no name ${parentText(parent)}.`)),
    ...doubtful.map(({ parent, listener, refusal }) =>
      trouble(
        'ListenerNotAccepted',
        `${who} has the name through listener ${listener} of ${parent.kind} ${parent.namespace}/${parent.name}, which its controller has not accepted (${refusal}): clients may find nobody there.`,
      ),
    ),
  ];
}

function faultText(fault: ClaimFault, kind: ClaimKind): string {
  switch (fault.code) {
    case 'ignored':
      return 'claims nothing: it has the label minilb/ignore';
    case 'other-class':
      return 'claims nothing: -ingress-class leaves its class out';
    case 'no-address':
      return kind === 'Ingress'
        ? 'claims nothing yet: its status has no address, so its ingress controller has not taken it up'
        : 'claims nothing: its own name is too long';
    case 'no-host':
      return 'names no host';
    case 'bad-host':
      return `names a host that is none: ${fault.detail}`;
    case 'too-many-hosts':
      return `names too many hosts: ${fault.detail}`;
    default:
      return unreachable(fault);
  }
}

function parentText({ parent, listener, fault }: RefusedParent): string {
  const at = `${parent.kind} ${parent.namespace}/${parent.name}`;
  const reason = fault === 'not-accepted' && parent.reason ? ` (${parent.reason})` : '';
  return `${listener === '' ? `through ${at}` : `through listener ${listener} of ${at}`}: ${attachmentText(fault)}${reason}`;
}

function attachmentText(fault: AttachmentFault): string {
  switch (fault) {
    case 'not-accepted':
      return 'its controller has not accepted the route';
    case 'no-parent':
      return 'there is no such object';
    case 'ignored':
      return 'it has the label minilb/ignore';
    case 'other-class':
      return '-gateway-class leaves its class out';
    case 'no-address':
      return 'the Gateway has no address in its status yet';
    case 'listener-set-not-accepted':
      return 'its Gateway has not accepted it';
    case 'listener-set-not-allowed':
      return 'allowedListeners of its Gateway leave it out';
    case 'no-listener':
      return 'no listener has that sectionName or port';
    case 'protocol':
      return 'its protocol is for routes of another kind';
    case 'kind-not-allowed':
      return 'allowedRoutes.kinds leave this kind out';
    case 'namespace-not-allowed':
      return 'allowedRoutes.namespaces leave the route’s namespace out';
    case 'no-intersection':
      return 'its hostname and those of the route have nothing in common';
    default:
      return unreachable(fault);
  }
}
