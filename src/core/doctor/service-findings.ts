import { sourceRangeNotes } from '../explain/endpoint-notes.ts';
import type { InspectedPod } from '../object/inspected-pod.ts';
import type { InspectedService } from '../object/inspected-service.ts';
import { keyOf } from '../object/raw.ts';
import { isByName } from '../object/service-class.ts';
import { joinName } from '../value/dns-name.ts';
import type { Ip } from '../value/ip.ts';
import { usableEndpoints } from '../zone/endpoints.ts';
import { portGaps } from '../zone/port-gaps.ts';
import { answerMode } from '../zone/service-names.ts';
import { serviceNotices } from '../zone/service-notices.ts';
import type { ClusterFacts } from './facts.ts';
import { type Finding, finding, kubectl, kubectlPatch, shellWord } from './finding.ts';

/** How much longer than the TTL a pod should sleep: a resolver may have asked at the last moment. */
const SLEEP_MARGIN_SECONDS = 5;
/** What a pod gets to end in after its sleep. */
const END_SECONDS = 15;

/** What is the matter with Services of class minilb and with their pods. */
export function serviceFindings(facts: ClusterFacts): readonly Finding[] {
  const { zone, services } = facts;
  const { byName, domain } = zone.naming;
  const published = services.filter((service) => !service.ignored);
  const ours = published.filter((service) => isByName(service, byName));
  const led = ours.filter((service) => {
    const own = joinName(service.name, service.namespace, domain);
    return own !== undefined && answerMode(service, byName, own) === 'endpoints';
  });
  return [
    ...published.flatMap((service) => noticed(service, facts)),
    ...led.flatMap((service) => gapFindings(service, facts)),
    ...ours.flatMap(sourceRanges),
    ...ours.flatMap((service) => foreignStatus(service, facts)),
    ...exitFindings(led, facts),
  ];
}

/** What servers tell of a Service by Events, but for ports, which are looked at more closely. */
function noticed(service: InspectedService, { zone, view }: ClusterFacts): readonly Finding[] {
  const key = keyOf(service);
  const { namespace, name } = service;
  return serviceNotices(service, view.slices(key), zone.naming, zone.nodes()).flatMap(({ code, text }) => {
    if (code === 'InvalidAnswer')
      return [
        finding(code, `Service ${key}`, text, 'Take the annotation away:', [
          `${kubectl(namespace)} annotate service ${name} minilb/answer-`,
        ]),
      ];
    if (code !== 'UnroutableEndpoint') return [];
    return [
      finding(code, `Service ${key}`, text, 'Let the name lead to the nodes, where these map its ports:', [
        `${kubectl(namespace)} annotate service ${name} --overwrite minilb/answer=nodes`,
      ]),
    ];
  });
}

function gapFindings(service: InspectedService, { view, zone }: ClusterFacts): readonly Finding[] {
  const gaps = portGaps(service, [...view.slices(keyOf(service))]);
  if (gaps.length === 0) return [];
  const seen = gaps.map(
    ({ port, real }) => `port ${port.port}${port.name === '' ? '' : ` (${port.name})`} is ${real.join(', ')} at the pods`,
  );
  const patch = gaps.flatMap(({ port, real }) =>
    real.length === 1 ? [{ op: 'replace', path: `/spec/ports/${service.ports.indexOf(port)}/port`, value: real[0] }] : [],
  );
  const name = joinName(service.name, service.namespace, zone.config.domain) ?? service.name;
  return [
    finding(
      'PortsDiffer',
      `Service ${keyOf(service)}`,
      `${seen.join('; ')}: clients of ${name} must use the pods’ ports.`,
      patch.length < gaps.length
        ? 'Let all pods listen on one port, and make it the Service’s; until then SRV records say which is where.'
        : 'Make them the same (who uses the Service’s port inside the cluster must follow), or answer with nodes where these map it:',
      patch.length < gaps.length ? [] : [kubectlPatch({ kind: 'Service', ...service }, patch)],
    ),
  ];
}

function sourceRanges(service: InspectedService): readonly Finding[] {
  const { namespace, name, selector, sourceRanges: ranges = [] } = service;
  return sourceRangeNotes(service).map(({ text }) => {
    const from = ranges.map(({ address, bits }) => ({ ipBlock: { cidr: `${address}/${bits}` } }));
    const policy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `${name}-clients`, namespace },
      spec: { podSelector: { matchLabels: selector }, policyTypes: ['Ingress'], ingress: [{ from }] },
    };
    return finding(
      'SourceRangesNotEnforced',
      `Service ${namespace}/${name}`,
      text,
      'A NetworkPolicy that lets in the same networks (pods of the cluster that use it too need a line of their own), and then the field away:',
      [
        `printf %s ${shellWord(JSON.stringify(policy))} | kubectl apply -f -`,
        kubectlPatch({ kind: 'Service', namespace, name }, [{ op: 'remove', path: '/spec/loadBalancerSourceRanges' }]),
      ],
    );
  });
}

function foreignStatus(service: InspectedService, { zone }: ClusterFacts): readonly Finding[] {
  const { namespace, name, ingress } = service;
  const own = joinName(name, namespace, zone.config.domain);
  const foreign = ingress.flatMap(({ ip, hostname }) => ip ?? (hostname?.toLowerCase() === own ? [] : (hostname ?? [])));
  if (own === undefined || foreign.length === 0) return [];
  const status = { status: { loadBalancer: { ingress: [{ hostname: own }] } } };
  return [
    finding(
      'ForeignStatus',
      `Service ${namespace}/${name}`,
      `Its status says ${foreign.join(', ')}, which minilb with -domain ${zone.config.domain} has not written.`,
      'Find out who writes it (kubectl get service --show-managed-fields -o yaml), let that leave Services with another class alone, and then:',
      [`${kubectl(namespace)} patch service ${name} --subresource=status --type=merge -p ${shellWord(JSON.stringify(status))}`],
    ),
  ];
}

/** One finding for each workload whose pods end at once. */
function exitFindings(services: readonly InspectedService[], { view, pods, zone }: ClusterFacts): readonly Finding[] {
  const byIp = new Map<Ip, InspectedPod>(pods.filter((pod) => !pod.hostNetwork).flatMap((pod) => pod.ips.map((ip) => [ip, pod] as const)));
  const behind = services.flatMap((service) =>
    usableEndpoints([...view.slices(keyOf(service))]).flatMap(({ address }) => byIp.get(address) ?? []),
  );
  const hasty = behind.filter((pod) => exitsBefore(pod, zone.config.ttlSeconds));
  const byWorkload = Map.groupBy(hasty, ({ workload }) => `${workload.kind} ${keyOf(workload)}`);
  return [...byWorkload].flatMap(([who, [pod]]) => (pod ? [exitFinding(who, pod, zone.config.ttlSeconds)] : []));
}

/** True when no container is sure to sleep until caches have forgotten the pod, or when it is killed before. */
function exitsBefore({ containers, graceSeconds }: InspectedPod, ttlSeconds: number): boolean {
  const sleeps = containers.some(({ preStopSeconds }) => preStopSeconds === 'unknown' || preStopSeconds > ttlSeconds);
  return !sleeps || graceSeconds <= ttlSeconds;
}

function exitFinding(who: string, { workload, containers, graceSeconds }: InspectedPod, ttlSeconds: number): Finding {
  const [container] = containers;
  const hook = container?.preStopSeconds ?? 0;
  const sleep = ttlSeconds + SLEEP_MARGIN_SECONDS;
  const preStop = { ...(hook !== 0 && { exec: null }), sleep: { seconds: sleep } };
  const spec = {
    terminationGracePeriodSeconds: Math.max(graceSeconds, sleep + END_SECONDS),
    containers: [{ name: container?.name, lifecycle: { preStop } }],
  };
  const seen =
    hook === 0
      ? `Its pods have no preStop hook: one that ends is in caches for ${ttlSeconds} s (-ttl) more, and nothing answers there.`
      : `Its pods sleep ${hook} s before they end and are killed after ${graceSeconds} s: too soon for a TTL of ${ttlSeconds} s.`;
  if (workload.kind === 'Pod')
    return finding('PodsExitBeforeTtl', who, seen, `Make the Pod anew with lifecycle.preStop.sleep.seconds: ${sleep} in its container.`);
  const body = JSON.stringify({ spec: { template: { spec } } });
  return finding('PodsExitBeforeTtl', who, seen, 'Let them sleep first (Kubernetes 1.30 or newer):', [
    `${kubectl(workload.namespace)} patch ${workload.kind.toLowerCase()} ${workload.name} -p ${shellWord(body)}`,
  ]);
}
