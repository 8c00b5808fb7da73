import { keyOf } from '../object/raw.ts';
import type { IngressPoint } from '../object/service.ts';
import { type DnsName, isAtOrBelow, parseDnsName } from '../value/dns-name.ts';
import type { ClusterFacts } from './facts.ts';
import { type Finding, finding, kubectl } from './finding.ts';

/** Kept from the public DNS, or of nobody: RFC 6761, RFC 6762, RFC 8375, and `internal`, which ICANN reserved in 2024. */
const PRIVATE_SUFFIXES = ['internal', 'home.arpa', 'local', 'localhost', 'test', 'invalid', 'lan', 'home', 'corp'];
/** Providers whose zones are at home. */
const PRIVATE_PROVIDERS = ['pihole', 'coredns', 'skydns', 'inmemory', 'rfc2136', 'azure-private-dns', 'webhook'];
const CONTROLLER = 'external-dns.alpha.kubernetes.io/controller';
const HOSTNAME = 'external-dns.alpha.kubernetes.io/hostname';

/** True for a domain that is no part of the public DNS, by its name alone. */
export function isPrivateDomain(domain: DnsName): boolean {
  return !domain.includes('.') || PRIVATE_SUFFIXES.some((suffix) => domain === suffix || domain.endsWith(`.${suffix}`));
}

/** Kinds of the Gateway API that are served in versions that cannot be read. */
export function gatewayFindings({ gatewayKinds }: ClusterFacts): readonly Finding[] {
  return gatewayKinds
    .filter(({ served, read }) => served.length > 0 && !served.some((version) => read.includes(version)))
    .map(({ kind, served, read }) =>
      finding(
        'GatewayApiUnread',
        `kind ${kind}`,
        `It is served as ${served.join(', ')}; minilb reads ${read.join(', ')}. Its names are missing.`,
        'Install the CRDs of a release that serves one of these (see its release notes before you replace them):',
        ['kubectl apply --server-side -f https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.1/standard-install.yaml'],
      ),
    );
}

/** Objects that external-dns, with a public provider, would publish as CNAMEs to names of ours that nobody else knows. */
export function externalDnsFindings(facts: ClusterFacts): readonly Finding[] {
  const { pods, services, ingresses, zone } = facts;
  const { domain } = zone.config;
  if (!isPrivateDomain(domain)) return [];
  const publishers = pods.flatMap((pod) => {
    const container = pod.containers.find(({ image }) => /(^|\/)external-dns([:@]|$)/.test(image));
    const words = container ? [...container.command, ...container.args] : [];
    const provider = flagValues(words, 'provider')[0] ?? '';
    return container && !PRIVATE_PROVIDERS.includes(provider) ? [{ pod, provider, sources: flagValues(words, 'source') }] : [];
  });
  return publishers.flatMap(({ pod, provider, sources }) => {
    const leads = ({ hostname }: IngressPoint) => isOurs(hostname, domain);
    const found = [
      ...(sources.includes('service')
        ? services.filter((one) => one.externalDns[HOSTNAME] !== undefined && one.ingress.some(leads))
        : []
      ).map((one) => ({ kind: 'Service', one })),
      ...(sources.includes('ingress') ? ingresses.filter(({ hosts, points }) => hosts.length > 0 && points.some(leads)) : []).map(
        (one) => ({
          kind: 'Ingress',
          one,
        }),
      ),
    ];
    return found
      .filter(({ one }) => (one.externalDns[CONTROLLER] ?? 'dns-controller') === 'dns-controller')
      .map(({ kind, one }) =>
        finding(
          'PublishesPrivateNames',
          `${kind} ${keyOf(one)}`,
          `external-dns (Pod ${keyOf(pod)}, provider ${provider === '' ? 'unknown' : provider}) would publish a CNAME to a name in ${domain}, which nobody outside can resolve.`,
          'Let external-dns leave it alone:',
          [`${kubectl(one.namespace)} annotate ${kind.toLowerCase()} ${one.name} ${CONTROLLER}=minilb`],
        ),
      );
  });
}

function isOurs(hostname: string | undefined, domain: DnsName): boolean {
  const name = parseDnsName(hostname);
  return name.ok && isAtOrBelow(name.value, domain);
}

/** Every `--flag=value` or `--flag value`. */
function flagValues(words: readonly string[], flag: string): readonly string[] {
  return words.flatMap((word, i) => {
    if (word === `--${flag}`) return words[i + 1] ?? [];
    return word.startsWith(`--${flag}=`) ? word.slice(flag.length + 3) : [];
  });
}
