import { cidrs, toggle, wholeNumber, words } from './kinds.ts';
import { setting } from './setting.ts';

const L3 = ['l3'] as const;

/** What only `minilb l3` takes: by route. */
export const routeSettings = {
  prefixes: setting(cidrs, {
    flag: 'prefix',
    env: ['L3LB_PREFIX'],
    roles: ['l3', 'external'],
    default: '',
    help: 'The networks, of both families, that addresses of Services come from; l3 needs them. With external: a Service without a class that asks for an address in one of them is left to l3.',
  }),
  interface: setting(words('name'), {
    flag: 'interface',
    env: ['L3LB_INTERFACE'],
    roles: L3,
    default: 'lo',
    help: 'The interface of the node that holds the addresses.',
  }),
  debug: setting(toggle, {
    flag: 'debug',
    env: ['L3LB_DEBUG'],
    roles: L3,
    default: 'false',
    help: 'The same as -log-level=debug.',
  }),
  nodeName: setting(words('name'), {
    flag: 'node-name',
    env: ['NODE_NAME'],
    roles: L3,
    default: '',
    help: 'The Node this runs on (in a Pod: spec.nodeName). Empty: the name of the host.',
  }),
  allocate: setting(toggle, {
    flag: 'allocate',
    roles: L3,
    default: 'false',
    help: 'Gives out addresses and writes them into statuses, for the whole cluster, in place of holding them on a node.',
  }),
  reserve: setting(cidrs, {
    flag: 'reserve',
    roles: L3,
    default: '',
    help: 'With -allocate: parts of the prefixes that no Service gets.',
  }),
  allowOnlink: setting(toggle, {
    flag: 'allow-onlink',
    roles: L3,
    default: 'false',
    help: 'Allows a prefix inside a network that the node is connected to; every holder then answers ARP there.',
  }),
  drainSeconds: setting(wholeNumber('seconds', 0, 3600), {
    flag: 'drain-seconds',
    roles: L3,
    default: '0',
    help: 'How long a node keeps an address whose pods there are terminating while others are ready elsewhere.',
  }),
  drainTaint: setting(words('key'), {
    flag: 'drain-taint',
    roles: L3,
    default: '',
    help: 'A Node with a taint of this key announces nothing.',
  }),
  holdSeconds: setting(wholeNumber('seconds', 0, 3600), {
    flag: 'hold',
    roles: L3,
    default: '60',
    help: 'How long an address stays when all its endpoints turn unready while their Nodes are not Ready, as after an outage of the API server.',
  }),
  proxyHealth: setting(toggle, {
    flag: 'proxy-health',
    roles: L3,
    default: 'true',
    help: 'Adds no address before kube-proxy on this node has been healthy once. False where there is no kube-proxy, as with Cilium.',
  }),
  guard: setting(toggle, {
    flag: 'guard',
    roles: L3,
    default: 'false',
    help: 'Drops what reaches the addresses without going to a Service, such as a listener on 0.0.0.0:22, by an nftables table of its own.',
  }),
  withdrawOnExit: setting(toggle, {
    flag: 'withdraw-on-exit',
    roles: L3,
    default: 'false',
    help: 'Takes the addresses and the guard away at the end. Otherwise they stay, so that an upgrade is not noticed.',
  }),
  adopt: setting(toggle, {
    flag: 'adopt',
    roles: L3,
    default: 'false',
    help: 'With cleanup: also takes away addresses in the prefixes without the mark of minilb.',
  }),
};
