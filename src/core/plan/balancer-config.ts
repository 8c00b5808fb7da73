import { CONFIG_ANNOTATION, type ExternalService } from '../object/external-service.ts';
import type { LoadBalancerConfig } from '../object/load-balancer-config.ts';
import { CONFIG_NAMESPACE } from '../object/load-balancer-config.ts';
import { refOf } from '../object/raw.ts';
import type { Notice, NoticeCode } from '../value/notice.ts';

export type ConfigChoice =
  | { readonly kind: 'use'; readonly config: LoadBalancerConfig; readonly notices: readonly Notice[] }
  /** What is there stays as it is: the config is at fault, and nobody has asked for anything else. */
  | { readonly kind: 'hold'; readonly notices: readonly Notice[] }
  /** No config may serve this Service: what is there goes. */
  | { readonly kind: 'none'; readonly notices: readonly Notice[] };

/**
 * Chooses the config of a Service. `held` is the one that serves it now.
 *
 * | annotation | the config | result |
 * |---|---|---|
 * | names one | is there, allows the namespace | it |
 * | names one | does not allow the namespace | none |
 * | names one | is missing or being deleted | the held one while that is there, else none |
 * | – | the oldest `default: true` that allows the namespace | it |
 * | – | there is no such default | the held one while that is there and allows it, else none |
 *
 * A chosen config with a fault is never used: hold.
 */
export function chooseConfig(
  service: ExternalService,
  held: string | undefined,
  configs: ReadonlyMap<string, LoadBalancerConfig>,
): ConfigChoice {
  const present = (name: string) => {
    const config = configs.get(name);
    return config && !config.deleting ? config : undefined;
  };
  const notice = (code: NoticeCode, text: string): readonly Notice[] => [{ object: refOf('v1', 'Service', service), code, text }];
  const use = (config: LoadBalancerConfig, notices: readonly Notice[] = []): ConfigChoice =>
    config.fault === ''
      ? { kind: 'use', config, notices }
      : { kind: 'hold', notices: [...notices, ...notice('ConfigInvalid', `LoadBalancerConfig ${config.name}: ${config.fault}.`)] };
  const heldConfig = held === undefined ? undefined : present(held);
  const keep = (notices: readonly Notice[]): ConfigChoice =>
    heldConfig && allows(heldConfig, service) ? use(heldConfig, notices) : { kind: 'none', notices };

  if (service.configName !== '') {
    const named = present(service.configName);
    if (!named) {
      const why = configs.has(service.configName) ? 'is being deleted' : `is not in ${CONFIG_NAMESPACE}`;
      return keep(notice('ConfigMissing', `${CONFIG_ANNOTATION} names ${JSON.stringify(service.configName)}, which ${why}.`));
    }
    if (allows(named, service)) return use(named);
    return { kind: 'none', notices: notice('NamespaceNotAllowed', `LoadBalancerConfig ${named.name} does not allow this namespace.`) };
  }
  const defaults = [...configs.values()].filter((config) => config.isDefault && !config.deleting && allows(config, service)).sort(byAge);
  const [oldest] = defaults;
  if (oldest) return use(oldest);
  return keep(notice('NoDefaultConfig', `No LoadBalancerConfig in ${CONFIG_NAMESPACE} is the default and allows this namespace.`));
}

function allows(config: LoadBalancerConfig, { namespace }: ExternalService): boolean {
  return config.allowedNamespaces.length === 0 || config.allowedNamespaces.includes(namespace);
}

/** By creationTimestamp, then uid: the one rule of who comes first. */
export function byAge(
  a: { readonly created: string; readonly uid: string },
  b: { readonly created: string; readonly uid: string },
): number {
  if (a.created !== b.created) return a.created < b.created ? -1 : 1;
  return a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : 0;
}
