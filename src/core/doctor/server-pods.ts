import type { InspectedPod } from '../object/inspected-pod.ts';
import type { ClusterFacts } from './facts.ts';
import { kubectlPatch } from './finding.ts';

/** The Pods that run `minilb dns`, writers too. */
export function serversOf({ pods }: Pick<ClusterFacts, 'pods'>): readonly InspectedPod[] {
  return pods.filter(({ minilb }) => minilb !== undefined && /^(dns$|-)/.test(minilb.words[0] ?? '-'));
}

/** The Pods that answer the network, by the label of the manifest. */
export function answeringPods(facts: Pick<ClusterFacts, 'pods'>): readonly InspectedPod[] {
  return serversOf(facts).filter(({ minilb }) => minilb?.component !== 'writer');
}

/** The command that gives a Pod's workload one argument more; none for a Pod that nothing made. */
export function addArgument({ workload, containers }: InspectedPod, argument: string): readonly string[] {
  if (workload.kind === 'Pod') return [];
  const index = Math.max(
    0,
    containers.findIndex(({ name }) => name === 'minilb'),
  );
  const path = `/spec/template/spec/containers/${index}/args`;
  const given = (containers[index]?.args.length ?? 0) > 0;
  const patch = given ? { op: 'add', path: `${path}/-`, value: argument } : { op: 'add', path, value: [argument] };
  return [kubectlPatch(workload, [patch])];
}
