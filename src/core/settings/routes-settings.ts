import { RESOLVER_FORMATS, ROUTE_FORMATS } from './formats.ts';
import { choice, dnsServers, optionalAddress, toggle } from './kinds.ts';
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
