import { ok } from '../value/result.ts';
import { type Kind, optionalSocketAddress, type SocketAddress, toggle } from './kinds.ts';
import { setting } from './setting.ts';

const EXTERNAL = ['external'] as const;

/** As `-metrics-bind-address` of controller-runtime takes it: `0` is nowhere too. */
const zeroIsNowhere: Kind<SocketAddress | undefined> = {
  ...optionalSocketAddress,
  parse: (text) => (text === '0' ? ok(undefined) : optionalSocketAddress.parse(text)),
};

/** What only `minilb external` takes: by proxy. */
export const externalSettings = {
  healthProbe: setting(zeroIsNowhere, {
    flag: 'health-probe-bind-address',
    roles: EXTERNAL,
    default: ':8081',
    help: 'Where /healthz, /readyz and /livez are served over HTTP. Empty or 0: nowhere.',
  }),
  metricsBind: setting(zeroIsNowhere, {
    flag: 'metrics-bind-address',
    roles: EXTERNAL,
    default: ':8080',
    help: 'Where /metrics is served over HTTP. Empty or 0: nowhere.',
  }),
  leaderElect: setting(toggle, {
    flag: 'leader-elect',
    roles: EXTERNAL,
    default: 'true',
    help: 'Accepted for the manifests of PaperLB: a leader is always elected.',
  }),
  classless: setting(toggle, {
    flag: 'classless',
    roles: EXTERNAL,
    default: 'true',
    help: 'Also takes Services without spec.loadBalancerClass, when no other controller has written their status for 30 s.',
  }),
  abandon: setting(toggle, {
    flag: 'abandon',
    roles: EXTERNAL,
    default: 'false',
    help: 'With cleanup: also lets go of what an updater cannot be made to remove, and leaves it there.',
  }),
};
