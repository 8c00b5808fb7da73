import { type DnsName, parseDnsName } from '../value/dns-name.ts';
import { choice, type Kind, listOf, toggle } from './kinds.ts';
import { setting } from './setting.ts';

/** One value of `-claim-hosts`: a name or wildcard, for one namespace or for all. */
export interface HostPattern {
  readonly pattern: DnsName;
  readonly namespace?: string;
}

/** metadata/v1: a namespace is an RFC 1123 label. */
const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** Classes are object names: RFC 1123 subdomains. */
const CLASS_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

export const hostPatterns: Kind<readonly HostPattern[]> = listOf(
  '[namespace=]pattern',
  toHostPattern,
  'a pattern such as *.example.com, or team-a=*.a.example.com',
);

export const classNames: Kind<readonly string[]> = listOf(
  'class',
  (item) => (CLASS_NAME.test(item) ? item : undefined),
  'the name of a class',
);

function toHostPattern(text: string): HostPattern | undefined {
  const at = text.indexOf('=');
  const pattern = parseDnsName(text.slice(at + 1).trim());
  if (!pattern.ok) return undefined;
  if (at < 0) return { pattern: pattern.value };
  const namespace = text.slice(0, at).trim();
  return NAMESPACE.test(namespace) ? { pattern: pattern.value, namespace } : undefined;
}

const ROLES = ['dns', 'demo'] as const;
const ZONE_ROLES = ['dns', 'zone', 'demo'] as const;

/** Which objects get names, and which names; src/settings.ts holds these settings with the others. */
export const claimSettings = {
  fallthrough: setting(toggle, {
    flag: 'fallthrough',
    roles: ROLES,
    default: 'false',
    help: 'With -upstream, forwards names in -domain that no namespace, Service or claim covers, for a domain that is also a real zone.',
  }),
  services: setting(choice('all', 'class'), {
    flag: 'services',
    roles: ZONE_ROLES,
    default: 'all',
    help: 'Which Services have a name: all, or class: those of the classes of minilb and those with an annotation minilb/host or minilb/answer.',
  }),
  claimHosts: setting(hostPatterns, {
    flag: 'claim-hosts',
    roles: ZONE_ROLES,
    default: '',
    help: 'Which hosts may be claimed by minilb/host, Ingresses and routes, and by which namespaces: *.x stands for all below x, and the most specific pattern decides. Empty: any host by anybody, except wildcards over a whole top-level domain.',
  }),
  ingressClasses: setting(classNames, {
    flag: 'ingress-class',
    roles: ZONE_ROLES,
    default: '',
    help: 'Only Ingresses of these classes claim hosts. Empty: all.',
  }),
  gatewayClasses: setting(classNames, {
    flag: 'gateway-class',
    roles: ZONE_ROLES,
    default: '',
    help: 'Only routes of Gateways of these classes claim hosts. Empty: all.',
  }),
};
