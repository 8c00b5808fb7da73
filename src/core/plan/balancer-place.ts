import type { BalancerPort, CleanupEntry, LoadBalancer, ProxyProtocol } from '../object/load-balancer.ts';
import type { LoadBalancerConfig, UpdaterRef } from '../object/load-balancer-config.ts';

/** A backend at an updater. `url` and `backendName` are its identity. */
export type Place = Omit<CleanupEntry, 'since'>;

interface Named {
  readonly namespace: string;
  readonly name: string;
}

/**
 * What a backend is called: `ns_name` for the port that the object's old fields hold, so that both halves of the original know it, and
 * `ns_name_<proto>_<servicePort>` for others. Names of namespaces and Services hold no underscore, so two never meet.
 */
export function backendName(prefix: string, { namespace, name }: Named, port?: Pick<BalancerPort, 'protocol' | 'servicePort'>): string {
  const base = `${prefix}${namespace}_${name}`;
  return port ? `${base}_${port.protocol.toLowerCase()}_${port.servicePort}` : base;
}

/** `TCP/80`: which port of its Service this is. */
export function portIdOf({ protocol, servicePort }: Pick<BalancerPort, 'protocol' | 'servicePort'>): string {
  return `${protocol}/${servicePort}`;
}

export function placeKey({ url, backendName: name }: Pick<Place, 'url' | 'backendName'>): string {
  return `${name} at ${url}`;
}

/** The place of each port. `first` is the port in the old fields. */
export function placesFor(
  at: { readonly configName: string; readonly url: string; readonly backendPrefix: string },
  object: Named,
  ports: readonly BalancerPort[],
  first: { readonly port: number; readonly protocol: ProxyProtocol },
): readonly Place[] {
  return ports.map((each) => ({
    configName: at.configName,
    url: at.url,
    backendName: backendName(at.backendPrefix, object, isFirst(each, first) ? undefined : each),
    port: each.port,
    protocol: each.protocol,
  }));
}

function isFirst(port: BalancerPort, first: { readonly port: number; readonly protocol: ProxyProtocol }): boolean {
  return port.port === first.port && port.protocol === first.protocol;
}

/** What the object's spec says may be at an updater; the original's objects have one port and no list. */
export function placesOf(balancer: LoadBalancer): readonly Place[] {
  if (balancer.port === 0 || balancer.url === '') return [];
  const { port, protocol } = balancer;
  const only = [{ protocol, port, servicePort: 0, nodePort: 0 }];
  return placesFor(balancer, balancer, balancer.ports ?? only, balancer);
}

/**
 * How to reach the updater of a place that a LoadBalancer names; `undefined` when no config in the trusted namespace has, or had, such an
 * updater, or the name is not one of this object's own: whoever may write the object could otherwise send calls and tokens anywhere, and
 * delete what is others'.
 */
export function updaterOf(place: Place, object: Named, configs: ReadonlyMap<string, LoadBalancerConfig>): UpdaterRef | undefined {
  const config = configs.get(place.configName);
  if (!config) return undefined;
  return knownUpdaters(config).find((known) => known.url === place.url && isOwnName(place.backendName, known.backendPrefix, object));
}

/** The updater of now, and those of before that may still hold something; the same one with other credentials counts once. */
function knownUpdaters(config: LoadBalancerConfig): readonly UpdaterRef[] {
  const now = config.fault === '' ? [config.updater] : [];
  return [...now, ...config.used.toReversed()];
}

function isOwnName(name: string, prefix: string, object: Named): boolean {
  const base = backendName(prefix, object);
  return name === base || (name.startsWith(`${base}_`) && /^_(tcp|udp)_[1-9]\d{0,4}$/.test(name.slice(base.length)));
}

/** Scheme, host and port of an updater's URL, in one spelling: two configs with one origin share its ports. */
export function originOf(url: string): string {
  const [, scheme = '', authority = ''] = /^(https?):\/\/([^/?#]+)/i.exec(url) ?? [];
  const plain = authority.toLowerCase().replace(scheme.toLowerCase() === 'https' ? /:443$/ : /:80$/, '');
  return `${scheme.toLowerCase()}://${plain}`;
}
