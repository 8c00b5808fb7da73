import type { Backend } from '../../src/core/proxy/backend.ts';
import { type Cidr, parseCidr } from '../../src/core/value/ip.ts';

/** A backend with one upstream, and what a test wants different. */
export function backend(changes: Partial<Backend> = {}): Backend {
  return {
    name: 'default_web',
    port: 8103,
    protocol: 'TCP',
    upstreams: [{ host: '192.168.64.5', port: 30291 }],
    timeoutSeconds: 5,
    connectTimeoutSeconds: 2,
    sourceRanges: [],
    sticky: false,
    proxyProtocol: false,
    healthCheckPort: 0,
    owner: '',
    ...changes,
  };
}

export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(`not a network: ${text}`);
  return parsed;
}

/** One backend for each thing that configuration can say; test/golden/proxy holds what both proxies get. */
export const GOLDEN_BACKENDS: readonly Backend[] = [
  backend({
    name: 'default_web',
    upstreams: [
      { host: '192.168.64.5', port: 30291 },
      { host: '192.168.64.6', port: 30291 },
    ],
  }),
  backend({ name: 'default_dns_udp_53', port: 8104, protocol: 'UDP' }),
  backend({
    name: 'six',
    port: 8105,
    upstreams: [
      { host: 'fd00::5', port: 30080 },
      { host: 'localhost', port: 30080 },
    ],
  }),
  backend({ name: 'ranges', port: 8106, sourceRanges: [cidr('10.0.0.0/8'), cidr('192.0.2.7/32'), cidr('2001:db8::/32')] }),
  backend({ name: 'sticky.proxied-1', port: 8107, sticky: true, proxyProtocol: true, timeoutSeconds: 3600, connectTimeoutSeconds: 10 }),
  backend({ name: 'checked', port: 8108, healthCheckPort: 32000, upstreams: [{ host: '192.168.64.5', port: 30291 }] }),
  backend({ name: 'nobody', port: 8109, upstreams: [], owner: 'team-a' }),
  backend({ name: 'owned', port: 8110, owner: 'team-a' }),
];
