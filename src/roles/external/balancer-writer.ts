import type { ExternalService, StatusEntry } from '../../core/object/external-service.ts';
import { type LoadBalancer, loadBalancerPath, toLoadBalancer } from '../../core/object/load-balancer.ts';
import type { LoadBalancerConfig } from '../../core/object/load-balancer-config.ts';
import {
  CONFIG_NAMESPACE,
  LB_FINALIZER,
  PAPERLB_GROUP,
  toLoadBalancerConfig,
  updaterJson,
} from '../../core/object/load-balancer-config.ts';
import { asObject, type RawObject } from '../../core/object/raw.ts';
import type { ConfigChange } from '../../core/plan/balancer-configs.ts';
import { ingressJson } from '../../core/plan/balancer-status.ts';
import type { BalancerPlan } from '../../core/plan/balancers.ts';
import type { ApiFailure, ApiRequest, ApiResult, KubeClient } from '../../shell/kube/client.ts';
import type { WrittenStore } from './balancer-store.ts';

type ServePlan = Extract<BalancerPlan, { kind: 'serve' }>;
type Wrote<T> = { readonly ok: true; readonly value: T } | ApiFailure;

/** Writes objects of by proxy; each write carries the resourceVersion it was planned on, so that 409 means: plan again. */
export interface BalancerWriter {
  readonly create: (plan: ServePlan, signal: AbortSignal) => Promise<Wrote<LoadBalancer>>;
  /** Also adds the finalizer; without a spec, nothing else. */
  readonly setSpec: (balancer: LoadBalancer, spec: RawObject | undefined, signal: AbortSignal) => Promise<Wrote<LoadBalancer>>;
  readonly setStatus: (balancer: LoadBalancer, status: RawObject, signal: AbortSignal) => Promise<Wrote<LoadBalancer>>;
  /** Asks for deletion; the finalizer keeps the object. */
  readonly remove: (balancer: LoadBalancer, signal: AbortSignal) => Promise<Wrote<void>>;
  readonly release: (balancer: LoadBalancer, signal: AbortSignal) => Promise<Wrote<void>>;
  readonly setIngress: (service: ExternalService, entries: readonly StatusEntry[], signal: AbortSignal) => Promise<Wrote<void>>;
  readonly setConfig: (change: ConfigChange, signal: AbortSignal) => Promise<Wrote<void>>;
}

export function createBalancerWriter(
  client: KubeClient,
  balancers: WrittenStore<LoadBalancer>,
  configs: WrittenStore<LoadBalancerConfig>,
): BalancerWriter {
  const send = (method: ApiRequest['method'], path: string, body: unknown, signal: AbortSignal) =>
    client.request({ method, path, body }, signal);

  /** Remembers what the API server has made of it. */
  const keep = (result: ApiResult<unknown>): Wrote<LoadBalancer> => {
    if (!result.ok) return result;
    const fresh = toLoadBalancer(result.value);
    if (!fresh.ok) return { ok: false, code: 'server-error', status: 200, detail: `a LoadBalancer that cannot be read: ${fresh.detail}` };
    balancers.wrote(fresh.value);
    return fresh;
  };

  const release = async (balancer: LoadBalancer, signal: AbortSignal): Promise<Wrote<void>> => {
    const finalizers = balancer.finalizers.filter((finalizer) => finalizer !== LB_FINALIZER);
    if (finalizers.length < balancer.finalizers.length) {
      const body = { metadata: { resourceVersion: balancer.resourceVersion, finalizers: finalizers.length > 0 ? finalizers : null } };
      const result = await send('PATCH', loadBalancerPath(balancer), body, signal);
      if (!result.ok && result.code !== 'not-found') return result;
    }
    if (finalizers.length === 0) balancers.removed(balancer);
    return { ok: true, value: undefined };
  };

  return {
    create: async ({ service, spec }, signal) => {
      const { namespace, name } = service;
      const metadata = {
        name,
        namespace,
        finalizers: [LB_FINALIZER],
        ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid: service.uid, controller: true }],
      };
      const path = loadBalancerPath(service).replace(/\/[^/]+$/, '');
      return keep(await send('POST', path, { apiVersion: PAPERLB_GROUP, kind: 'LoadBalancer', metadata, spec }, signal));
    },
    setSpec: async (balancer, spec, signal) => {
      const { resourceVersion, finalizers } = balancer;
      const kept = finalizers.includes(LB_FINALIZER) ? finalizers : [...finalizers, LB_FINALIZER];
      // A merge patch keeps what it does not name.
      const wanted = spec && { ...spec, httpUpdater: { backendPrefix: null, ...asObject(spec['httpUpdater']) } };
      const body = { metadata: { resourceVersion, finalizers: kept }, ...(wanted && { spec: wanted }) };
      return keep(await send('PATCH', loadBalancerPath(balancer), body, signal));
    },
    setStatus: async (balancer, status, signal) => {
      const body = { metadata: { resourceVersion: balancer.resourceVersion }, status };
      return keep(await send('PATCH', `${loadBalancerPath(balancer)}/status`, body, signal));
    },
    remove: async (balancer, signal) => {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: balancer.uid } };
      const result = await send('DELETE', loadBalancerPath(balancer), body, signal);
      return result.ok || result.code === 'not-found' ? { ok: true, value: undefined } : result;
    },
    release,
    setIngress: async ({ namespace, name, resourceVersion }, entries, signal) => {
      const ingress = entries.length > 0 ? ingressJson(entries) : null;
      const body = { metadata: { resourceVersion }, status: { loadBalancer: { ingress } } };
      const result = await send('PATCH', `/api/v1/namespaces/${namespace}/services/${name}/status`, body, signal);
      return result.ok ? { ok: true, value: undefined } : result;
    },
    setConfig: async ({ config, finalizers, used }, signal) => {
      const path = `/apis/${PAPERLB_GROUP}/namespaces/${CONFIG_NAMESPACE}/loadbalancerconfigs/${config.name}`;
      let held = config;
      for (const [at, body] of [
        [path, finalizers && { finalizers: finalizers.length > 0 ? finalizers : null }],
        [`${path}/status`, used && { updaters: used.map(updaterJson) }],
      ] as const) {
        if (!body) continue;
        const metadata = { resourceVersion: held.resourceVersion, ...(at === path && body) };
        const result = await send('PATCH', at, { metadata, ...(at !== path && { status: body }) }, signal);
        if (!result.ok) return result;
        const fresh = toLoadBalancerConfig(result.value);
        if (fresh.ok) held = fresh.value;
      }
      if (held.deleting && held.finalizers.length === 0) configs.removed(held);
      else configs.wrote(held);
      return { ok: true, value: undefined };
    },
  };
}
