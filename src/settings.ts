import { claimSettings } from './core/settings/claim-settings.ts';
import { dnsSettings } from './core/settings/dns-settings.ts';
import { doctorSettings } from './core/settings/doctor-settings.ts';
import { externalSettings } from './core/settings/external-settings.ts';
import {
  addresses,
  choice,
  cidrs,
  clientRanges,
  dnsServers,
  domain,
  loadBalancerClass,
  nameServers,
  optionalSocketAddress,
  socketAddress,
  socketAddresses,
  toggle,
  wholeNumber,
  words,
} from './core/settings/kinds.ts';
import { routeSettings } from './core/settings/route-settings.ts';
import { routesSettings } from './core/settings/routes-settings.ts';
import { type Command, type SettingsOf, setting, type ValuesOf } from './core/settings/setting.ts';
import { updaterSettings } from './core/settings/updater-settings.ts';

/** The commands, in the order help lists them. One is listed here only when `src/roles/` holds it. */
export const commands = {
  dns: { summary: "Answers DNS queries for the cluster's Services; the default in a cluster", operands: '', operandsMax: 0 },
  routes: {
    summary: 'Prints the routes that lead to the pods, for your router; on it, sets them',
    operands: '[cleanup]',
    operandsMax: 1,
    subcommands: ['cleanup'],
  },
  resolver: { summary: 'Prints what your resolver must be told to ask minilb for its names', operands: '', operandsMax: 0 },
  zone: { summary: 'Prints what the zone holds, as a master file', operands: '', operandsMax: 0 },
  cleanup: { summary: 'Shows, and with -yes clears, what minilb wrote into Services', operands: '', operandsMax: 0 },
  l3: {
    summary: 'On a node: holds the addresses of Services that have a ready pod there, for its BGP daemon to announce',
    operands: '[status|cleanup]',
    operandsMax: 1,
    subcommands: ['status', 'cleanup'],
  },
  external: {
    summary: 'Programs load balancers outside the cluster for its Services, through their updaters',
    operands: '[cleanup]',
    operandsMax: 1,
    subcommands: ['cleanup'],
  },
  explain: {
    summary: 'Says why a name has these addresses, or none',
    operands: 'NAME',
    operandsMax: 1,
    flagsAnywhere: true,
  },
  doctor: {
    summary: 'Looks for what is wrong with the cluster, the resolver and the way from this machine, before and after installation',
    operands: '',
    operandsMax: 0,
  },
  demo: { summary: 'Runs a small cluster in this process, to try minilb without one', operands: '', operandsMax: 0 },
  updater: {
    summary: 'Beside an nginx or HAProxy: writes its configuration as the operator asks; "list" shows what it holds',
    operands: '[list]',
    operandsMax: 1,
    subcommands: ['list'],
  },
  version: { summary: 'Prints the version', operands: '', operandsMax: 0 },
  help: { summary: 'Lists the commands, or the flags of one', operands: '[command]', operandsMax: 1 },
} as const satisfies Readonly<Record<string, Command>>;

export type CommandName = keyof typeof commands;

const DNS = ['dns', 'demo'] as const;
const CLUSTER = ['dns', 'zone', 'routes', 'cleanup', 'l3', 'external', 'explain', 'doctor', 'resolver'] as const;
const LOGGING = ['dns', 'routes', 'cleanup', 'demo', 'l3', 'external', 'explain', 'doctor', 'resolver', 'updater'] as const;

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
    roles: ['dns', 'zone', 'cleanup', 'demo', 'explain', 'doctor', 'resolver'],
    default: 'minilb',
    help: 'The zone that is served: a Service answers as <service>.<namespace>.<domain>. Written in lower case. With explain and doctor: for want of a running Pod that says it.',
  }),
  listen: setting(socketAddresses, {
    flag: 'listen',
    roles: DNS,
    default: ':53',
    defaultOf: { demo: '127.0.0.1:8053' },
    help: 'Where DNS queries are taken, over UDP and TCP. Without an address: on every address of this host, of both families, but those of kube-ipvs0, NodeLocal DNSCache and minilb l3.',
  }),
  resyncSeconds: setting(wholeNumber('seconds', 1, 86400), {
    flag: 'resync',
    roles: ['dns', 'demo', 'l3', 'routes', 'external'],
    default: '300',
    help: 'How often everything is listed again beside the running watches, to heal one that lost events. With external also: how often updaters are told everything again.',
  }),
  ttlSeconds: setting(wholeNumber('seconds', 0, 86400), {
    flag: 'ttl',
    roles: ['dns', 'zone', 'demo'],
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
    roles: ['dns', 'zone', 'demo'],
    default: '',
    help: 'What the apex NS record names, so that a delegation in the parent zone can match; the same on all replicas. Empty: ns.dns.<domain> with the addresses in -host-ips.',
  }),
  hostIps: setting(addresses, {
    flag: 'host-ips',
    env: ['HOST_IPS'],
    roles: ['dns', 'zone', 'demo', 'l3'],
    default: '',
    help: 'Addresses of the node this runs on (in a Pod: status.hostIPs): given to ns.dns.<domain>; by route, the first is where -health listens when it names none.',
  }),
  serverId: setting(words('name'), {
    flag: 'server-id',
    env: ['POD_NAME'],
    roles: DNS,
    default: '',
    help: "What id.server (RFC 4892) and NSID (RFC 5001) answer. Empty: the host's name.",
  }),
  upstreams: setting(dnsServers, {
    flag: 'upstream',
    roles: DNS,
    default: '',
    help: 'Resolvers that are asked about names that are not ours, in order of health. Empty: such names are REFUSED.',
  }),
  forwardClients: setting(clientRanges, {
    flag: 'forward-clients',
    roles: DNS,
    default: '',
    help: "Networks whose clients are forwarded for. Empty: private, loopback, link-local and on-link ones and the Nodes' /64s. An entry with + is added to those, others take their place.",
  }),
  clients: setting(cidrs, {
    flag: 'clients',
    roles: DNS,
    default: '',
    help: 'Networks whose clients may ask at all. Empty: any.',
  }),
  syncGraceSeconds: setting(wholeNumber('seconds', 0, 3600), {
    flag: 'sync-grace',
    roles: DNS,
    default: '10',
    help: 'With -upstream, how long other names get SERVFAIL after the start while the cluster is not known yet; then they are forwarded.',
  }),
  controller: setting(toggle, {
    flag: 'controller',
    roles: DNS,
    default: 'true',
    help: 'Writes the name of each Service of our class into its status. False: read only.',
  }),
  ...claimSettings,
  loadBalancerClass: setting(loadBalancerClass, {
    flag: 'class',
    roles: ['dns', 'zone', 'cleanup', 'demo', 'l3', 'external', 'explain', 'doctor', 'resolver'],
    default: 'minilb',
    defaultOf: { l3: 'minilb-l3', external: 'lb.paperlb.com/paperlb-class' },
    help: 'The spec.loadBalancerClass of the Services that are ours.',
  }),
  via: setting(cidrs, {
    flag: 'via',
    roles: ['dns', 'routes', 'demo'],
    default: '',
    help: "Networks to choose a Node's next hop from, where it has several InternalIPs; one that is given otherwise is flagged outside. Empty: the first of each family.",
  }),
  cidrs: setting(cidrs, {
    flag: 'cidrs',
    roles: ['dns', 'routes', 'demo'],
    default: '',
    help: 'Networks that podCIDRs must lie in; a route outside is flagged. Empty: anywhere.',
  }),
  health: setting(socketAddress, {
    flag: 'health',
    roles: ['dns', 'demo', 'l3', 'routes'],
    default: ':8080',
    defaultOf: { demo: '127.0.0.1:8080', l3: ':7712', routes: '127.0.0.1:7713' },
    help: 'Where /healthz, /readyz, /livez and /metrics are served over HTTP; by minilb routes only while it goes on (-watch, -apply).',
  }),
  ...dnsSettings,
  page: setting(optionalSocketAddress, {
    flag: 'page',
    roles: ['dns', 'demo', 'l3', 'external'],
    default: '127.0.0.1:7710',
    defaultOf: { l3: '127.0.0.1:7714' },
    help: 'Where the status page and its JSON (docs/api.md) are served over HTTP, read-only; by l3 without -allocate. Empty: nowhere.',
  }),
  lameduckSeconds: setting(wholeNumber('seconds', 0, 300), {
    flag: 'lameduck',
    roles: DNS,
    default: '5',
    help: 'After SIGTERM, how long queries are still answered while readiness already fails.',
  }),
  ...updaterSettings,
  yes: setting(toggle, {
    flag: 'yes',
    roles: ['cleanup', 'l3', 'external', 'routes'],
    default: 'false',
    help: 'Does what the plan says. Without it the plan is only printed.',
  }),
  ...routeSettings,
  ...routesSettings,
  ...externalSettings,
  ...doctorSettings,
  output: setting(choice('text', 'json', 'annotations'), {
    flag: 'o',
    roles: ['l3', 'explain', 'doctor'],
    default: 'text',
    help: 'With l3 status, explain and doctor: how it is printed. annotations, with l3 status alone: kubectl commands that pin every present address.',
  }),
  logLevel: setting(choice('debug', 'info', 'warn', 'error'), {
    flag: 'log-level',
    roles: LOGGING,
    default: 'info',
    help: 'The least severe lines that are logged, to standard error.',
  }),
  logFormat: setting(choice('text', 'json'), {
    flag: 'log-format',
    roles: LOGGING,
    default: 'text',
    help: 'Log lines as text, or one JSON object each.',
  }),
};

/** The settings that are declared for a role, typed: `SettingsFor<'dns'>['ttlSeconds']` is a number. */
export type SettingsFor<R extends string> = SettingsOf<typeof settings, R>;

export type AllSettings = ValuesOf<typeof settings>;
