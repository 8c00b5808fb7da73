import { toggle, wholeNumber } from './kinds.ts';
import { setting } from './setting.ts';

/** Further settings of by name; src/settings.ts holds them with the others. */
export const dnsSettings = {
  withClaims: setting(toggle, {
    flag: 'with-claims',
    roles: ['zone'],
    default: 'false',
    help: 'Also prints, as comments, what is claimed outside the domain, and wildcards.',
  }),
  probePort: setting(wholeNumber('port', 0, 65535), {
    flag: 'probe-port',
    roles: ['dns', 'demo'],
    default: '10250',
    defaultOf: { demo: '0' },
    help: 'The port of every Node that is asked each 1.3 s whether the Node lives: the kubelet. Endpoints of one that falls silent come last in answers. 0: none is asked.',
  }),
  logQueries: setting(toggle, {
    flag: 'log-queries',
    roles: ['dns', 'demo'],
    default: 'false',
    help: 'Logs one line for each query, whatever -log-level says. Lines that nobody reads in time are dropped and counted.',
  }),
};
