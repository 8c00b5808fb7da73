import type { ExternalService } from '../object/external-service.ts';
import type { BalancerPort } from '../object/load-balancer.ts';
import type { Ip } from '../value/ip.ts';
import type { Remark } from '../value/notice.ts';
import type { Place } from './balancer-place.ts';

/** The body of `POST /api/v1/lb`: the original's fields in its order, and those that only `minilb updater` knows where they are needed. */
export interface UpdateCall {
  readonly backendName: string;
  readonly lbPort: number;
  readonly lbProtocol: 'TCP' | 'UDP';
  readonly upstreamServers: readonly { readonly host: string; readonly port: number }[];
  /** 0: the updater's default. */
  readonly proxyTimeoutSeconds: number;
  readonly proxyConnectTimeoutSeconds: number;
  readonly sourceRanges?: readonly string[];
  readonly sessionAffinity?: 'ClientIP';
  readonly proxyProtocol?: true;
  readonly healthCheckNodePort?: number;
}

/** What one backend should be: `call` is absent when it has no target, and then it must not be at the updater. */
export interface BackendPlan {
  readonly place: Place;
  readonly call?: UpdateCall;
  /** Fields of the Service without which it must not be served: another updater would ignore them. */
  readonly needs: readonly string[];
}

export interface ProxyOptions {
  readonly timeoutSeconds: number;
  readonly connectTimeoutSeconds: number;
  readonly proxyProtocol: boolean;
  readonly remarks: readonly Remark[];
}

export const TIMEOUT_ANNOTATION = 'minilb/proxy-timeout-seconds';
export const CONNECT_TIMEOUT_ANNOTATION = 'minilb/proxy-connect-timeout-seconds';
export const PROXY_PROTOCOL_ANNOTATION = 'minilb/proxy-protocol';
const TIMEOUT_SECONDS_MAX = 7 * 24 * 3600;

/** Reads the annotations that say how the proxy treats connections; what cannot be is the default, with a remark. */
export function proxyOptions(service: ExternalService): ProxyOptions {
  const remarks: Remark[] = [];
  const text = (name: string) => service.annotations[name]?.trim() ?? '';
  const wrong = (name: string, what: string) =>
    void remarks.push(['InvalidAnnotation', `${name} is ${JSON.stringify(text(name).slice(0, 40))}: it must be ${what}.`]);
  const seconds = (name: string): number => {
    if (text(name) === '') return 0;
    const value = /^\d{1,6}$/.test(text(name)) ? Number(text(name)) : 0;
    if (value >= 1 && value <= TIMEOUT_SECONDS_MAX) return value;
    wrong(name, `whole seconds from 1 to ${TIMEOUT_SECONDS_MAX}`);
    return 0;
  };
  if (!['', 'true', 'false'].includes(text(PROXY_PROTOCOL_ANNOTATION))) wrong(PROXY_PROTOCOL_ANNOTATION, 'true or false');
  if (service.sticky && !service.localPolicy)
    remarks.push([
      'AffinityNeedsLocal',
      'sessionAffinity is ClientIP: the load balancer keeps a client with one Node, which chooses among all pods unless externalTrafficPolicy is Local.',
    ]);
  return {
    timeoutSeconds: seconds(TIMEOUT_ANNOTATION),
    connectTimeoutSeconds: seconds(CONNECT_TIMEOUT_ANNOTATION),
    proxyProtocol: text(PROXY_PROTOCOL_ANNOTATION) === 'true',
    remarks,
  };
}

/** Says what each port's backend should be. Never a call with an empty list: nginx-lb-updater would write what no nginx takes. */
export function planBackends(
  service: ExternalService,
  ports: readonly BalancerPort[],
  places: readonly Place[],
  hosts: readonly Ip[],
  options: ProxyOptions,
): readonly BackendPlan[] {
  return ports.flatMap((port, i) => {
    const place = places[i];
    if (!place) return [];
    const proxied = options.proxyProtocol && port.protocol === 'TCP';
    const needs = [
      ...(service.ranges.length > 0 ? ['spec.loadBalancerSourceRanges'] : []),
      ...(service.sticky ? ['spec.sessionAffinity'] : []),
      ...(proxied ? [PROXY_PROTOCOL_ANNOTATION] : []),
    ];
    if (hosts.length === 0) return [{ place, needs }];
    const call: UpdateCall = {
      backendName: place.backendName,
      lbPort: port.port,
      lbProtocol: port.protocol,
      upstreamServers: hosts.map((host) => ({ host, port: port.nodePort })),
      proxyTimeoutSeconds: options.timeoutSeconds,
      proxyConnectTimeoutSeconds: options.connectTimeoutSeconds,
      ...(service.ranges.length > 0 && { sourceRanges: service.ranges }),
      ...(service.sticky && { sessionAffinity: 'ClientIP' }),
      ...(proxied && { proxyProtocol: true }),
      ...(service.localPolicy && service.healthCheckNodePort > 0 && { healthCheckNodePort: service.healthCheckNodePort }),
    };
    return [{ place, call, needs }];
  });
}
