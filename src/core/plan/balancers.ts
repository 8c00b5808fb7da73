import type { EndpointSlice } from '../object/endpoint-slice.ts';
import type { ExternalNode } from '../object/external-node.ts';
import type { ExternalService, StatusEntry } from '../object/external-service.ts';
import type { BalancerTarget, LoadBalancer } from '../object/load-balancer.ts';
import type { LoadBalancerConfig, UpdaterRef } from '../object/load-balancer-config.ts';
import { keyOf, type RawObject, refOf } from '../object/raw.ts';
import type { Notice, Remark } from '../value/notice.ts';
import { type BackendPlan, planBackends, proxyOptions } from './balancer-calls.ts';
import { chooseConfig } from './balancer-config.ts';
import { type ClasslessFacts, judgeOwner } from './balancer-owner.ts';
import { type Place, placeKey, placesFor, placesOf, updaterOf } from './balancer-place.ts';
import { allocatePorts, heldPorts, type Occupied, type PortPlan, type Wanted } from './balancer-ports.ts';
import { ingressOf } from './balancer-status.ts';
import { createTargets, type TargetsOf } from './balancer-targets.ts';

export interface BalancerInputs extends ClasslessFacts {
  readonly services: Iterable<ExternalService>;
  readonly balancers: Iterable<LoadBalancer>;
  readonly configs: readonly LoadBalancerConfig[];
  readonly nodes: Iterable<ExternalNode>;
  readonly slicesOf: (serviceKey: string) => Iterable<EndpointSlice>;
}

/** A backend that must go. */
export interface Removal {
  readonly place: Place;
  /** Absent: nobody knows how to reach it, and it is given up. */
  readonly updater?: UpdaterRef;
}

/** What is to be made of one LoadBalancer object and of what the updaters hold for it. */
export type BalancerPlan =
  | {
      readonly kind: 'serve';
      readonly key: string;
      readonly service: ExternalService;
      /** Absent: it is to be created. */
      readonly balancer?: LoadBalancer;
      readonly config: LoadBalancerConfig;
      /** `spec` as it should be. */
      readonly spec: RawObject;
      readonly specDiffers: boolean;
      readonly removals: readonly Removal[];
      readonly backends: readonly BackendPlan[];
      /** False while a port that can be served has no number. */
      readonly complete: boolean;
      readonly ingress: readonly StatusEntry[];
    }
  | {
      readonly kind: 'finish';
      readonly key: string;
      readonly balancer: LoadBalancer;
      readonly removals: readonly Removal[];
      /** The Service that was served and is there still: what we wrote into its status goes. */
      readonly service?: ExternalService;
    };

export interface BalancerPlans {
  readonly plans: ReadonlyMap<string, BalancerPlan>;
  readonly notices: readonly Notice[];
  /** When to plan again though nothing has changed: a Service without a class is waiting. */
  readonly againMs: number | undefined;
}

/**
 * Decides what becomes of every Service and LoadBalancer.
 *
 * | Service of that name | the LoadBalancer | result |
 * |---|---|---|
 * | ours, with a config | none | created, pushed |
 * | ours, with a config | the Service's (by the owner's uid) | made equal to the plan, pushed |
 * | ours, with a config at fault | – | left as it is |
 * | ours, without a config | the Service's | finished |
 * | not (or no longer) ours, or gone | somebody's, controlled by a Service | finished |
 * | – | of a Service that is gone, or being deleted | finished, and made anew afterwards if there is a Service |
 * | – | controlled by no Service | never touched: anybody could have made it |
 */
export function planBalancers(inputs: BalancerInputs): BalancerPlans {
  const configs = new Map(inputs.configs.map((config) => [config.name, config]));
  const services = new Map([...inputs.services].map((service) => [keyOf(service), service]));
  const balancers = new Map([...inputs.balancers].map((balancer) => [keyOf(balancer), balancer]));
  const hosts = new Set(inputs.configs.map((config) => config.host));
  const plans = new Map<string, BalancerPlan>();
  const notices: Notice[] = [];
  const wanted: Wanted[] = [];
  const held = new Set<string>();
  const anew = new Set<string>();
  let againMs: number | undefined;

  for (const [key, service] of services) {
    if (service.type !== 'LoadBalancer' || service.deleting) continue;
    const found = balancers.get(key);
    const balancer = found?.ownerUid === service.uid ? found : undefined;
    const owner = judgeOwner(service, balancer, hosts, inputs);
    notices.push(...owner.notices);
    if (owner.kind === 'waiting') againMs = Math.min(againMs ?? Number.POSITIVE_INFINITY, owner.seconds * 1000);
    if (owner.kind !== 'ours') continue;
    if (found && found.ownerUid === '') {
      notices.push(toNotice(service, ['BalancerNameTaken', `LoadBalancer ${key} belongs to no Service, and is left alone.`]));
      continue;
    }
    const choice = chooseConfig(service, balancer?.configName, configs);
    notices.push(...choice.notices);
    if (choice.kind === 'hold' && balancer) held.add(key);
    if (choice.kind === 'use') anew.add(key);
    if (choice.kind === 'use' && (!found || (balancer && balancer.deletedAt === '')))
      wanted.push({ service, config: choice.config, balancer });
  }

  const serving = new Set(wanted.map((each) => keyOf(each.service)));
  for (const [key, balancer] of balancers) {
    if (balancer.ownerUid === '' || held.has(key) || serving.has(key)) continue;
    const service = services.get(key);
    const own = service?.uid === balancer.ownerUid && !anew.has(key) && !service.deleting ? service : undefined;
    plans.set(key, { kind: 'finish', key, balancer, removals: removalsOf(balancer, [], configs), ...(own && { service: own }) });
  }
  const targetsOf = createTargets(inputs.nodes);
  const ports = allocatePorts(wanted, [...occupiedBy(balancers.values(), serving, configs)]);
  for (const each of wanted) {
    const key = keyOf(each.service);
    const made = planServe(each, ports.get(key) ?? NO_PORTS, targetsOf, () => inputs.slicesOf(key), configs);
    notices.push(...made.remarks.map((remark) => toNotice(each.service, remark)));
    if (made.plan) plans.set(key, made.plan);
  }
  return { plans, notices, againMs };
}

const NO_PORTS: PortPlan = { ports: [], complete: true, remarks: [] };

function planServe(
  { service, config, balancer }: Wanted,
  { ports, complete, remarks }: PortPlan,
  targetsOf: TargetsOf,
  slices: () => Iterable<EndpointSlice>,
  configs: ReadonlyMap<string, LoadBalancerConfig>,
): { readonly plan?: BalancerPlan; readonly remarks: readonly Remark[] } {
  const key = keyOf(service);
  const first = firstPort({ service, balancer }, ports);
  if (!first) {
    const gone: BalancerPlan | undefined = balancer && {
      kind: 'finish',
      key,
      balancer,
      removals: removalsOf(balancer, [], configs),
      service,
    };
    return { remarks, ...(gone && { plan: gone }) };
  }
  const { hosts, remarks: more } = targetsOf(service, slices, config.nodeAddressTypes);
  const options = proxyOptions(service);
  const at = { configName: config.name, url: config.updater.url, backendPrefix: config.updater.backendPrefix };
  const places = placesFor(at, service, ports, first);
  const targets: readonly BalancerTarget[] = hosts.map((host) => ({ host, port: first.nodePort }));
  const spec = {
    configName: config.name,
    host: config.host,
    httpUpdater: { url: at.url, ...(at.backendPrefix !== '' && { backendPrefix: at.backendPrefix }) },
    port: first.port,
    protocol: first.protocol,
    targets,
    ports,
  };
  const plan: BalancerPlan = {
    kind: 'serve',
    key,
    service,
    ...(balancer && { balancer }),
    config,
    spec,
    specDiffers: !balancer || !hasSpec(balancer, spec),
    removals: balancer ? removalsOf(balancer, places, configs) : [],
    backends: planBackends(service, ports, places, hosts, options),
    complete,
    ingress: ingressOf(service, config, ports),
  };
  return { plan, remarks: [...remarks, ...more, ...options.remarks] };
}

/** The port in the old fields stays there while it is served, so that its backend keeps its name; else the Service's first. */
function firstPort(wanted: Pick<Wanted, 'balancer' | 'service'>, ports: PortPlan['ports']): PortPlan['ports'][number] | undefined {
  const { balancer } = wanted;
  const old = [...heldPorts(wanted).values()].find((port) => port.port === balancer?.port && port.protocol === balancer.protocol);
  return ports.find((port) => old && port.protocol === old.protocol && port.servicePort === old.servicePort) ?? ports[0];
}

function hasSpec(balancer: LoadBalancer, spec: Readonly<Record<string, unknown>> & { readonly httpUpdater: RawObject }): boolean {
  const { configName, host, url, backendPrefix, port, protocol, targets, ports } = balancer;
  const stands = { configName, host, httpUpdater: { url, ...(backendPrefix !== '' && { backendPrefix }) }, port, protocol, targets, ports };
  return JSON.stringify(stands) === JSON.stringify(spec);
}

/**
 * What must go from the updaters: what the spec says may be there and what is pending from before, without what is wanted. A backend that
 * changes its protocol goes first and comes anew, as does one that was written with another token; any other change a POST makes in one step.
 */
function removalsOf(
  balancer: LoadBalancer,
  wanted: readonly Place[],
  configs: ReadonlyMap<string, LoadBalancerConfig>,
): readonly Removal[] {
  const places = new Map(wanted.map((place) => [placeKey(place), place]));
  const removals = new Map<string, Removal>();
  const pending = balancer.cleanup.map(({ since: _since, ...place }) => place);
  // What leads nowhere although its config is there was never written by us; without the config nobody can tell, and it is given up aloud.
  const trusted = placesOf(balancer).filter((place) => updaterOf(place, balancer, configs) || !configs.has(place.configName));
  for (const place of [...pending, ...trusted]) {
    const now = places.get(placeKey(place));
    const updater = updaterOf(place, balancer, configs);
    if (now && now.protocol === place.protocol && (now.configName === place.configName || !updater)) continue;
    removals.set(`${placeKey(place)} ${place.configName}`, { place, ...(updater && { updater }) });
  }
  return [...removals.values()];
}

/** Ports that updaters may still hold for objects that no longer want them: others do not get them before they are free. */
function* occupiedBy(
  balancers: Iterable<LoadBalancer>,
  serving: ReadonlySet<string>,
  configs: ReadonlyMap<string, LoadBalancerConfig>,
): Iterable<Occupied> {
  for (const balancer of balancers) {
    if (balancer.ownerUid === '') continue;
    const owner = keyOf(balancer);
    const places = serving.has(owner) ? balancer.cleanup : [...balancer.cleanup, ...placesOf(balancer)];
    for (const place of places) {
      const host = configs.get(place.configName)?.host ?? '';
      if (place.port > 0 && updaterOf(place, balancer, configs)) yield { owner, host, place };
    }
  }
}

function toNotice(service: ExternalService, [code, text]: Remark): Notice {
  return { object: refOf('v1', 'Service', service), code, text };
}
