import { type DnsName, parseDnsName } from '../value/dns-name.ts';
import { type Ip, parseIp } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import { asArray, asBoolean, asInteger, asObject, asString, compact, type Meta, type RawObject, toMeta } from './raw.ts';
import type { Resource } from './resources.ts';

/** The one namespace that configs and their Secrets are read from: who may write there decides where calls and tokens go. */
export const CONFIG_NAMESPACE = 'paperlb-system';

export const PAPERLB_GROUP = 'lb.paperlb.com/v1alpha1';

/** Keeps a LoadBalancer, or a config that is still used, until the updater has been cleaned. */
export const LB_FINALIZER = 'lb.paperlb.com/lb-finalizer';

/** How to reach an updater, as a config says or once said. */
export interface UpdaterRef {
  readonly url: string;
  /** Before the name of each backend; may be empty. */
  readonly backendPrefix: string;
  /** A key of a Secret in `CONFIG_NAMESPACE`. */
  readonly tokenSecret?: { readonly name: string; readonly key: string };
  /** A Secret in `CONFIG_NAMESPACE` with `ca.crt`, `tls.crt`, `tls.key` or some of them. */
  readonly tlsSecret?: string;
}

export type NodeAddressType = 'ExternalIP' | 'InternalIP';

/** A lb.paperlb.com/v1alpha1 LoadBalancerConfig. */
export interface LoadBalancerConfig extends Meta {
  readonly isDefault: boolean;
  readonly updater: UpdaterRef;
  /** What clients connect to; `ip` and `hostname` are both absent only when there is a fault. */
  readonly host: string;
  readonly ip?: Ip;
  readonly hostname?: DnsName;
  readonly low: number;
  readonly high: number;
  /** The first type that a Node has counts. */
  readonly nodeAddressTypes: readonly NodeAddressType[];
  /** Empty: any. */
  readonly allowedNamespaces: readonly string[];
  /** 0: no limit. */
  readonly portsPerNamespaceMax: number;
  readonly deleting: boolean;
  readonly finalizers: readonly string[];
  /** `status.updaters`: those that may hold something. */
  readonly used: readonly UpdaterRef[];
  /** Why it cannot be used: objects from before the schema may hold anything. Empty: it can. */
  readonly fault: string;
}

const URL_LENGTH_MAX = 2048;
const USED_MAX = 100;
const DEFAULT_TYPES: readonly NodeAddressType[] = ['ExternalIP', 'InternalIP'];
const HTTP_URL = /^https?:\/\/[^/?#@\s]+(\/[^#\s]*)?$/;
const PREFIX = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/;

/** Projects a LoadBalancerConfig. One that cannot be used is kept with its fault, so that its Services can be told why. */
export function toLoadBalancerConfig(raw: unknown): Result<LoadBalancerConfig, 'malformed'> {
  const meta = toMeta(raw);
  if (!meta?.namespace) return err('malformed', 'no metadata.name or metadata.namespace');
  const object = asObject(raw);
  const spec = asObject(object?.['spec']) ?? {};
  const metadata = asObject(object?.['metadata']);
  const range = asObject(spec['portRange']);
  const host = asString(spec['host']) ?? '';
  const ip = parseIp(host);
  const hostname = ip ? undefined : toHostname(host);
  const updater = toUpdaterRef({ ...spec, url: spec['httpUpdaterURL'] });
  const types = asArray(spec['nodeAddressTypes']).filter((type) => DEFAULT_TYPES.some((known) => known === type)) as NodeAddressType[];
  const parsed = {
    ...meta,
    isDefault: asBoolean(spec['default']) ?? false,
    updater,
    host,
    ...(ip && { ip }),
    ...(hostname && { hostname }),
    low: asInteger(range?.['low'], 1, 65535) ?? 0,
    high: asInteger(range?.['high'], 1, 65535) ?? 0,
    nodeAddressTypes: types.length > 0 ? types : DEFAULT_TYPES,
    allowedNamespaces: compact(asArray(spec['allowedNamespaces']).map(asString)),
    portsPerNamespaceMax: asInteger(spec['portsPerNamespaceMax'], 1, 65535) ?? 0,
    deleting: asString(metadata?.['deletionTimestamp']) !== undefined,
    finalizers: compact(asArray(metadata?.['finalizers']).map(asString)),
    used: asArray(asObject(object?.['status'])?.['updaters']).slice(0, USED_MAX).map(toUpdaterRef),
  };
  return ok({ ...parsed, fault: faultOf(parsed) });
}

/** The collection in the one namespace that counts. */
export const LOAD_BALANCER_CONFIGS: Resource<LoadBalancerConfig> = {
  apiVersion: PAPERLB_GROUP,
  kind: 'LoadBalancerConfig',
  path: `/apis/${PAPERLB_GROUP}/namespaces/${CONFIG_NAMESPACE}/loadbalancerconfigs`,
  project: toLoadBalancerConfig,
};

/** As `status.updaters` holds it. */
export function updaterJson(updater: UpdaterRef): RawObject {
  return {
    url: updater.url,
    ...(updater.backendPrefix !== '' && { backendPrefix: updater.backendPrefix }),
    ...(updater.tokenSecret && { tokenSecretRef: updater.tokenSecret }),
    ...(updater.tlsSecret !== undefined && { tlsSecretRef: { name: updater.tlsSecret } }),
  };
}

export function sameUpdater(a: UpdaterRef, b: UpdaterRef): boolean {
  return JSON.stringify(updaterJson(a)) === JSON.stringify(updaterJson(b));
}

function toUpdaterRef(raw: unknown): UpdaterRef {
  const updater = asObject(raw);
  const token = asObject(updater?.['tokenSecretRef']);
  const tokenName = asString(token?.['name']);
  const tlsSecret = asString(asObject(updater?.['tlsSecretRef'])?.['name']);
  return {
    url: (asString(updater?.['url']) ?? '').slice(0, URL_LENGTH_MAX),
    backendPrefix: asString(updater?.['backendPrefix']) ?? '',
    ...(tokenName && { tokenSecret: { name: tokenName, key: asString(token?.['key']) ?? 'token' } }),
    ...(tlsSecret && { tlsSecret }),
  };
}

/** What `status.loadBalancer.ingress[].hostname` may be (RFC 1123, lower case). */
function toHostname(host: string): DnsName | undefined {
  const name = parseDnsName(host);
  return name.ok && name.value === host && !/[_*]/.test(host) && !/(^|\.)\d+$/.test(host) ? name.value : undefined;
}

function faultOf(config: Omit<LoadBalancerConfig, 'fault'>): string {
  const { updater, ip, hostname, host, low, high } = config;
  if (updater.url === '') return 'spec.httpUpdaterURL is missing';
  if (!HTTP_URL.test(updater.url))
    return `spec.httpUpdaterURL ${JSON.stringify(updater.url.slice(0, 80))} is no http or https URL without user and password`;
  if (updater.backendPrefix !== '' && !PREFIX.test(updater.backendPrefix))
    return 'spec.backendPrefix is not 1–32 letters, digits, _, . or -';
  if (!ip && !hostname)
    return host === ''
      ? 'spec.host is missing'
      : `spec.host ${JSON.stringify(host.slice(0, 80))} is neither an address nor a lower-case DNS name`;
  if (low === 0 || high === 0) return 'spec.portRange needs low and high from 1 to 65535';
  return low > high ? `spec.portRange.low ${low} is greater than high ${high}` : '';
}
