import type { HostPort, InspectedPod } from '../object/inspected-pod.ts';
import type { Node } from '../object/node.ts';
import { keyOf } from '../object/raw.ts';
import { isByName } from '../object/service-class.ts';
import type { ClusterFacts } from './facts.ts';
import { type Finding, finding, kubectl, kubectlPatch, shellWord } from './finding.ts';
import { answeringPods, serversOf } from './server-pods.ts';

const DNS_PORT = 53;
/** Services that a sentence lists. */
const LISTED_MAX = 5;
/** NodeLocal DNSCache listens on link-local addresses alone, whatever its ports say. */
const NODE_CACHE = /node-cache/;

/** Load-balancer controllers by their images. */
const CONTROLLERS: readonly [name: string, image: RegExp][] = [
  ['MetalLB', /metallb\/(controller|speaker)/],
  ['ServiceLB (klipper-lb)', /klipper-lb/],
  ['kube-vip', /kube-vip/],
  ['PureLB', /purelb/],
  ['OpenELB', /openelb|porterlb/],
  ['LoxiLB', /loxilb/],
  ['PaperLB', /paperlb/],
  ['a cloud controller manager', /cloud-controller-manager/],
];

/** Findings about minilb's own Pods and about those that are in its way. */
export function podFindings(facts: ClusterFacts): readonly Finding[] {
  const { pods, podsKnown } = facts;
  const servers = serversOf(facts);
  return [
    ...(podsKnown && servers.length === 0 ? [notInstalled()] : []),
    ...pods.filter(({ minilb, phase }) => minilb !== undefined && !minilb.ready && phase !== 'Succeeded').map(notReady),
    ...pods.flatMap((pod) => capturing(pod, facts.nodes)),
    ...taken(facts),
    ...otherControllers(pods),
    ...otherClasses(facts),
    ...sourceNat(facts),
  ];
}

function notInstalled(): Finding {
  return finding(
    'NotInstalled',
    'minilb',
    'No Pod with the label app.kubernetes.io/name=minilb runs minilb dns.',
    'With a node and its address in place of NODE=ADDRESS (a box outside the cluster needs none: deploy/systemd):',
    ['deploy/render.sh -domain k8s.example.com NODE=ADDRESS | kubectl apply -f -'],
  );
}

function notReady(pod: InspectedPod): Finding {
  return finding('ServerNotReady', `Pod ${keyOf(pod)}`, `It is not ready (phase ${pod.phase || 'unknown'}).`, 'These say why:', [
    `${kubectl(pod.namespace)} describe pod ${pod.name}`,
    `${kubectl(pod.namespace)} logs ${pod.name} --tail=20`,
  ]);
}

const isDnsPort = ({ port, protocol }: HostPort) => port === DNS_PORT && protocol !== 'SCTP';

/** The CNI's portmap writes rules for hostPorts; a Pod with hostNetwork has its ports without them. */
function capturing(pod: InspectedPod, nodes: readonly Node[]): readonly Finding[] {
  const open = pod.hostNetwork ? [] : pod.hostPorts.filter((each) => isDnsPort(each) && each.ip === undefined);
  if (open.length === 0) return [];
  const { workload } = pod;
  const address = nodes.find(({ name }) => name === pod.nodeName)?.internalIps[0];
  const seen = `It has hostPort 53 without hostIP on node ${pod.nodeName}: the node’s own queries to 127.0.0.53 end there too.`;
  const who = `${workload.kind} ${keyOf(workload)}`;
  if (address === undefined || workload.kind === 'Pod' || workload.kind === 'DaemonSet')
    return [
      finding(
        'HostPort53CapturesNode',
        who,
        seen,
        'Name the node’s address as hostIP of the port; for several nodes one workload each (deploy/render.sh does so), or hostNetwork.',
      ),
    ];
  const patch = open.map(({ container, index }) => ({
    op: 'add',
    path: `/spec/template/spec/containers/${container}/ports/${index}/hostIP`,
    value: address,
  }));
  return [finding('HostPort53CapturesNode', who, seen, 'Name the node’s address as hostIP:', [kubectlPatch(workload, patch)])];
}

/** Port 53 of nodes that minilb serves on, or of any before it is installed. */
function taken(facts: ClusterFacts): readonly Finding[] {
  const ours = answeringPods(facts);
  const mine = ours.flatMap((pod) => pod.hostPorts.filter(isDnsPort).map(({ ip }) => ({ node: pod.nodeName, ip })));
  const clashes = (pod: InspectedPod, held: HostPort) =>
    mine.length === 0 ||
    mine.some(({ node, ip }) => node === pod.nodeName && (ip === undefined || held.ip === undefined || ip === held.ip));
  const others = facts.pods.filter((pod) => !ours.includes(pod) && !pod.containers.some(({ image }) => NODE_CACHE.test(image)));
  return others.flatMap((pod) => {
    const held = pod.hostPorts.filter((each) => isDnsPort(each) && clashes(pod, each));
    const [first] = held;
    if (!first) return [];
    const { workload } = pod;
    const field = pod.hostNetwork
      ? undefined
      : held.map(({ container, index }) => `/spec/template/spec/containers/${container}/ports/${index}/hostPort`);
    return [
      finding(
        'HostPort53Taken',
        `Pod ${keyOf(pod)}`,
        `It has port 53 of ${first.ip ?? 'every address'} of node ${pod.nodeName}: minilb cannot serve there.`,
        field && workload.kind !== 'Pod'
          ? 'Serve on another node or address (deploy/render.sh NODE=ADDRESS), or take the port from it, if it can do without:'
          : 'Serve on another node or address: deploy/render.sh NODE=ADDRESS',
        field && workload.kind !== 'Pod'
          ? [
              kubectlPatch(
                workload,
                field.map((path) => ({ op: 'remove', path })),
              ),
            ]
          : [],
      ),
    ];
  });
}

function otherControllers(pods: readonly InspectedPod[]): readonly Finding[] {
  return CONTROLLERS.flatMap(([name, image]) => {
    const found = pods.find((pod) => pod.containers.some((container) => image.test(container.image)));
    if (!found) return [];
    return [
      finding(
        'OtherLoadBalancer',
        `Pod ${keyOf(found)}`,
        `${name} runs here.`,
        'Give each Service the class of one: with spec.loadBalancerClass minilb the others leave it alone, if they heed classes.',
      ),
    ];
  });
}

/** Controllers that run nowhere here, or under names that are not known, show by what they serve. */
function otherClasses({ services, zone, pods }: ClusterFacts): readonly Finding[] {
  // By route and by proxy take Services without a class, too: their statuses may be ours.
  const classless = !pods.some(({ minilb }) => minilb?.words[0] === 'l3' || minilb?.words[0] === 'external');
  const foreign = services.filter(
    ({ type, loadBalancerClass, ingress }) =>
      type === 'LoadBalancer' &&
      (loadBalancerClass === '' ? classless && ingress.length > 0 : !zone.naming.ownClasses.includes(loadBalancerClass)),
  );
  return [...Map.groupBy(foreign, (service) => service.loadBalancerClass)].map(([name, some]) => {
    const listed = some.slice(0, LISTED_MAX).map(keyOf).join(', ');
    return finding(
      'OtherLoadBalancer',
      name === '' ? 'Services without a class' : `class ${name}`,
      `Another controller serves ${listed}${some.length > LISTED_MAX ? ` and ${some.length - LISTED_MAX} more` : ''}.`,
      'Nothing, if that is meant: their names answer with what it wrote. The class of a Service cannot be changed: to move one, create it anew.',
    );
  });
}

function sourceNat(facts: ClusterFacts): readonly Finding[] {
  const { services, settings, zone } = facts;
  if (!settings.forwarding) return [];
  const servers = answeringPods(facts);
  const front = services.filter(
    (service) =>
      (service.type === 'NodePort' || service.type === 'LoadBalancer') &&
      !isByName(service, zone.naming.byName) &&
      service.externalTrafficPolicy !== 'Local' &&
      servers.some((pod) => pod.namespace === service.namespace && selects(service.selector, pod.labels)),
  );
  return front.map((service) =>
    finding(
      'SourceNatInFront',
      `Service ${keyOf(service)}`,
      'It leads to minilb, which has -upstream, with externalTrafficPolicy Cluster: every client bears a node’s address, so everybody is forwarded for.',
      'Keep the clients’ addresses:',
      [`${kubectl(service.namespace)} patch service ${service.name} -p ${shellWord('{"spec":{"externalTrafficPolicy":"Local"}}')}`],
    ),
  );
}

function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  const pairs = Object.entries(selector);
  return pairs.length > 0 && pairs.every(([key, value]) => labels[key] === value);
}
