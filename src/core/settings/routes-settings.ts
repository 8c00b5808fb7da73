import { RESOLVER_FORMATS, ROUTE_FORMATS } from './formats.ts';
import { choice, dnsServers, optionalAddress, toggle, wholeNumber, words } from './kinds.ts';
import { setting } from './setting.ts';

const ROUTES = ['routes'] as const;

/** What only `minilb routes`, `minilb resolver` and `minilb doctor` take; src/settings.ts holds them with the others. */
export const routesSettings = {
  routeFormat: setting(choice(...ROUTE_FORMATS), {
    flag: 'format',
    roles: ROUTES,
    default: 'iproute2',
    help: 'In whose words the routes are printed: docs/routers.md has each, and which of them our tests have tried.',
  }),
  gateway: setting(optionalAddress(4), {
    flag: 'gateway',
    roles: ROUTES,
    default: '',
    help: 'With -format dhcp121, required: the default gateway of the clients, which the option must carry too.',
  }),
  watch: setting(toggle, {
    flag: 'watch',
    roles: ROUTES,
    default: 'false',
    help: 'Goes on, and prints everything anew when it has changed. While the API server is away nothing changes.',
  }),
  write: setting(words('file'), {
    flag: 'write',
    roles: ROUTES,
    default: '',
    help: 'With -watch: writes to this file in place of standard output, under the rules of -apply: a route goes only with its Node. -cidrs and -via are required.',
  }),
  runCommand: setting(words('command'), {
    flag: 'run',
    roles: ROUTES,
    default: '',
    help: 'With -write: run after each change, and again until it ends with 0: a program and arguments separated by blanks, without a shell.',
  }),
  apply: setting(toggle, {
    flag: 'apply',
    roles: ROUTES,
    default: 'false',
    help: "Goes on, and keeps this machine's routes (Linux) equal to the Nodes' podCIDRs. -cidrs and -via are required. The routes stay when it ends.",
  }),
  proto: setting(wholeNumber('proto', 100, 185), {
    flag: 'proto',
    roles: ROUTES,
    default: '177',
    help: 'With -apply and cleanup: the mark of our routes, a number of iproute2 that no program has. Another one for each cluster.',
  }),
  resolverFormat: setting(choice(...RESOLVER_FORMATS), {
    flag: 'format',
    roles: ['resolver'],
    default: 'dnsmasq',
    help: 'For which resolver the lines are: docs/resolvers.md.',
  }),
  servers: setting(dnsServers, {
    flag: 'server',
    roles: ['resolver', 'doctor'],
    default: '',
    help: 'Where minilb answers, as the resolver (with doctor: this machine) reaches it. Empty: the addresses that the running Pods have of their nodes.',
  }),
};
