import type { LoadBalancer } from '../object/load-balancer.ts';
import { LB_FINALIZER, type LoadBalancerConfig, sameUpdater, type UpdaterRef } from '../object/load-balancer-config.ts';
import { placesOf, updaterOf } from './balancer-place.ts';

/** What is to be written into a config: absent parts stay. */
export interface ConfigChange {
  readonly config: LoadBalancerConfig;
  readonly finalizers?: readonly string[];
  readonly used?: readonly UpdaterRef[];
}

/**
 * What must stand in a config before anything is pushed through it: a finalizer, and in `status.updaters` the updater of now, so that what
 * was pushed can be cleaned after the config is changed or deleted. `undefined` when it stands there.
 */
export function planConfigUse(config: LoadBalancerConfig): ConfigChange | undefined {
  const finalizers = config.finalizers.includes(LB_FINALIZER) ? undefined : [...config.finalizers, LB_FINALIZER];
  const used = config.used.some((updater) => sameUpdater(updater, config.updater)) ? undefined : [...config.used, config.updater];
  return finalizers || used ? { config, ...(finalizers && { finalizers }), ...(used && { used }) } : undefined;
}

/**
 * What a config can let go of: updaters of before that hold nothing any more, and, when it is being deleted and nothing is left anywhere, the
 * finalizer.
 */
export function planConfigRelease(config: LoadBalancerConfig, balancers: Iterable<LoadBalancer>): ConfigChange | undefined {
  const configs = new Map([[config.name, config]]);
  const inUse = new Set<string>();
  for (const balancer of balancers) {
    if (balancer.ownerUid === '') continue;
    for (const place of [...placesOf(balancer), ...balancer.cleanup]) {
      const updater = updaterOf(place, balancer, configs);
      if (updater) inUse.add(`${updater.url} ${updater.backendPrefix}`);
    }
  }
  if (config.deleting && inUse.size === 0) {
    const finalizers = config.finalizers.filter((finalizer) => finalizer !== LB_FINALIZER);
    return finalizers.length === config.finalizers.length ? undefined : { config, finalizers };
  }
  const used = config.used.filter((updater) => {
    if (sameUpdater(updater, config.updater)) return true;
    const replaced = updater.url === config.updater.url && updater.backendPrefix === config.updater.backendPrefix;
    return !replaced && inUse.has(`${updater.url} ${updater.backendPrefix}`);
  });
  return used.length === config.used.length ? undefined : { config, used };
}
