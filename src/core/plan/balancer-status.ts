import type { ExternalService, StatusEntry } from '../object/external-service.ts';
import type { BalancerCondition, BalancerPort, CleanupEntry, LoadBalancer } from '../object/load-balancer.ts';
import type { LoadBalancerConfig } from '../object/load-balancer-config.ts';
import type { RawObject } from '../object/raw.ts';
import { portIdOf } from './balancer-place.ts';

/** How a LoadBalancer stands. */
export interface Standing {
  readonly ready: boolean;
  /** UpperCamelCase. */
  readonly reason: string;
  readonly message: string;
  readonly targetCount: number;
  readonly cleanup: readonly CleanupEntry[];
}

const MESSAGE_LENGTH_MAX = 1024;

/**
 * The merge patch that makes `status` say how a LoadBalancer stands; `undefined` when it does. `now` is RFC 3339: a condition keeps its time
 * while its status stays.
 */
export function statusPatch(balancer: LoadBalancer, standing: Standing, now: string): RawObject | undefined {
  const { generation } = balancer;
  const pending = standing.cleanup.map((entry) => `${entry.backendName} at ${entry.url}`);
  const conditions = [
    toCondition(balancer, 'Ready', standing.ready, standing.reason, standing.message, now),
    pending.length === 0
      ? toCondition(balancer, 'Cleaned', true, 'Clean', 'Nothing is left behind.', now)
      : toCondition(balancer, 'Cleaned', false, 'Pending', `Still to be removed: ${pending.join(', ')}.`, now),
  ];
  const before = [balancer.phase, balancer.targetCount, balancer.observedGeneration, balancer.conditions, balancer.cleanup];
  const phase = standing.ready ? 'READY' : 'PENDING';
  const after = [phase, standing.targetCount, generation, conditions, standing.cleanup];
  if (JSON.stringify(before) === JSON.stringify(after)) return undefined;
  return {
    phase,
    targetCount: standing.targetCount,
    observedGeneration: generation,
    conditions,
    cleanup: standing.cleanup.length > 0 ? standing.cleanup : null,
  };
}

function toCondition(balancer: LoadBalancer, type: string, good: boolean, reason: string, message: string, now: string): BalancerCondition {
  const status = good ? 'True' : 'False';
  const before = balancer.conditions.find((one) => one.type === type);
  return {
    type,
    status,
    reason,
    message: message.slice(0, MESSAGE_LENGTH_MAX),
    observedGeneration: balancer.generation,
    lastTransitionTime: before?.status === status && before.lastTransitionTime !== '' ? before.lastTransitionTime : now,
  };
}

/**
 * What `status.loadBalancer.ingress` is to say: the load balancer's host, and one entry for each of the Service's ports in order, so that
 * their place tells which is which; ports that are not served carry an error (core/v1 PortStatus). A host that is an address has `ipMode:
 * Proxy`, or kube-proxy would capture its ports inside the cluster; a name may not have one.
 */
export function ingressOf(service: ExternalService, config: LoadBalancerConfig, ports: readonly BalancerPort[]): readonly StatusEntry[] {
  const byId = new Map(ports.map((port) => [portIdOf(port), port.port]));
  const entries = service.nodePorts.map(({ protocol, port }) => {
    const balanced = byId.get(`${protocol}/${port}`);
    return { port: balanced ?? port, protocol, error: balanced === undefined ? 'minilb/NotServed' : '' };
  });
  return [{ ip: config.ip ?? '', hostname: config.hostname ?? '', ipMode: config.ip ? 'Proxy' : '', ports: entries }];
}

/** As the API takes it. */
export function ingressJson(entries: readonly StatusEntry[]): readonly RawObject[] {
  return entries.map(({ ip, hostname, ipMode, ports }) => ({
    ...(ip !== '' && { ip }),
    ...(hostname !== '' && { hostname }),
    ...(ipMode !== '' && { ipMode }),
    ports: ports.map(({ port, protocol, error }) => ({ port, protocol, ...(error !== '' && { error }) })),
  }));
}

/** An API server from before 1.29 drops `ipMode`; there is nothing to write again then. */
export function sameIngress(held: readonly StatusEntry[], wanted: readonly StatusEntry[]): boolean {
  const plain = (entries: readonly StatusEntry[]) => JSON.stringify(entries.map((entry) => ({ ...entry, ipMode: '' })));
  const modes = held.every((entry, i) => entry.ipMode === '' || entry.ipMode === wanted[i]?.ipMode);
  return plain(held) === plain(wanted) && modes;
}

/** Whether by proxy wrote this, now or under another config or number: one entry with ports and a host that is or was ours. */
export function isOurIngress(held: readonly StatusEntry[], hosts: ReadonlySet<string>): boolean {
  const [only, ...more] = held;
  return only !== undefined && more.length === 0 && only.ports.length > 0 && hosts.has(only.ip || only.hostname);
}
