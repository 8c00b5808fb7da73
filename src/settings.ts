import {
  addresses,
  choice,
  cidrs,
  domain,
  loadBalancerClass,
  nameServers,
  socketAddress,
  socketAddresses,
  toggle,
  wholeNumber,
  words,
} from './core/settings/kinds.ts';
import { type Command, type SettingsOf, setting, type ValuesOf } from './core/settings/setting.ts';

/** The commands, in the order help lists them. One is listed here only when `src/roles/` holds it. */
export const commands = {
  dns: { summary: "Answers DNS queries for the cluster's Services; the default in a cluster", operands: '', operandsMax: 0 },
  routes: { summary: 'Prints the routes that lead to the pods, for your router', operands: '', operandsMax: 0 },
  cleanup: { summary: 'Shows, and with -yes clears, what minilb wrote into Services', operands: '', operandsMax: 0 },
  version: { summary: 'Prints the version', operands: '', operandsMax: 0 },
  help: { summary: 'Lists the commands, or the flags of one', operands: '[command]', operandsMax: 1 },
} as const satisfies Readonly<Record<string, Command>>;

export type CommandName = keyof typeof commands;

const DNS = ['dns', 'demo'] as const;
const CLUSTER = ['dns', 'routes', 'cleanup'] as const;

/** Every setting of minilb, once. The key is what the roles call it, with its unit last. */
export const settings = {
  kubeconfig: setting(words('file'), {
    flag: 'kubeconfig',
    roles: CLUSTER,
    default: '',
    help: "How to reach the API server. Empty: the files in KUBECONFIG, else the Pod's own service account, else ~/.kube/config.",
  }),
  domain: setting(domain, {
    flag: 'domain',
    roles: ['dns', 'cleanup', 'demo'],
    default: 'minilb',
    help: 'The zone that is served: a Service answers as <service>.<namespace>.<domain>. Written in lower case.',
  }),
  listen: setting(socketAddresses, {
    flag: 'listen',
    roles: DNS,
    default: ':53',
    defaultOf: { demo: '127.0.0.1:8053' },
    help: 'Where DNS queries are taken, over UDP and TCP. Without an address: on every address of this host, of both families.',
  }),
  resyncSeconds: setting(wholeNumber('seconds', 1, 86400), {
    flag: 'resync',
    roles: DNS,
    default: '300',
    help: 'How often everything is listed again beside the running watches, to heal one that lost events.',
  }),
  ttlSeconds: setting(wholeNumber('seconds', 0, 86400), {
    flag: 'ttl',
    roles: DNS,
    default: '5',
    help: 'How long resolvers may keep an answer, positive or negative.',
  }),
  maxAnswers: setting(wholeNumber('addresses', 1, 100), {
    flag: 'max-answers',
    roles: DNS,
    default: '16',
    help: 'The most addresses in one UDP answer for a Service with a cluster IP; headless names and TCP give all.',
  }),
  nameServers: setting(nameServers, {
    flag: 'nameserver',
    roles: DNS,
    default: '',
    help: 'What the apex NS record names, so that a delegation in the parent zone can match; the same on all replicas. Empty: ns.dns.<domain> with the addresses in -host-ips.',
  }),
  hostIps: setting(addresses, {
    flag: 'host-ips',
    env: ['HOST_IPS'],
    roles: DNS,
    default: '',
    help: 'Addresses of the node this runs on (in a Pod: status.hostIPs), given to ns.dns.<domain>.',
  }),
  serverId: setting(words('name'), {
    flag: 'server-id',
    env: ['POD_NAME'],
    roles: DNS,
    default: '',
    help: "What id.server (RFC 4892) and NSID (RFC 5001) answer. Empty: the host's name.",
  }),
  controller: setting(toggle, {
    flag: 'controller',
    roles: DNS,
    default: 'true',
    help: 'Writes the name of each Service of our class into its status. False: read only.',
  }),
  loadBalancerClass: setting(loadBalancerClass, {
    flag: 'class',
    roles: ['dns', 'cleanup', 'demo'],
    default: 'minilb',
    help: 'The spec.loadBalancerClass of the Services that are ours.',
  }),
  via: setting(cidrs, {
    flag: 'via',
    roles: ['dns', 'routes', 'demo'],
    default: '',
    help: "Networks to choose a Node's next hop from, where it has several InternalIPs. Empty: the first of each family.",
  }),
  cidrs: setting(cidrs, {
    flag: 'cidrs',
    roles: ['dns', 'routes', 'demo'],
    default: '',
    help: 'Networks that podCIDRs must lie in; a route outside is flagged. Empty: anywhere.',
  }),
  health: setting(socketAddress, {
    flag: 'health',
    roles: DNS,
    default: ':8080',
    defaultOf: { demo: '127.0.0.1:8080' },
    help: 'Where /healthz, /readyz, /livez and /metrics are served over HTTP.',
  }),
  lameduckSeconds: setting(wholeNumber('seconds', 0, 300), {
    flag: 'lameduck',
    roles: DNS,
    default: '5',
    help: 'After SIGTERM, how long queries are still answered while readiness already fails.',
  }),
  yes: setting(toggle, {
    flag: 'yes',
    roles: ['cleanup'],
    default: 'false',
    help: 'Does what the plan says. Without it the plan is only printed.',
  }),
  logLevel: setting(choice('debug', 'info', 'warn', 'error'), {
    flag: 'log-level',
    roles: ['dns', 'routes', 'cleanup', 'demo'],
    default: 'info',
    help: 'The least severe lines that are logged, to standard error.',
  }),
  logFormat: setting(choice('text', 'json'), {
    flag: 'log-format',
    roles: ['dns', 'routes', 'cleanup', 'demo'],
    default: 'text',
    help: 'Log lines as text, or one JSON object each.',
  }),
};

/** The settings that are declared for a role, typed: `SettingsFor<'dns'>['ttlSeconds']` is a number. */
export type SettingsFor<R extends string> = SettingsOf<typeof settings, R>;

export type AllSettings = ValuesOf<typeof settings>;
