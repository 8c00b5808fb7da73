import { CONFIG_NAMESPACE, type UpdaterRef } from '../../core/object/load-balancer-config.ts';
import { asObject, asString } from '../../core/object/raw.ts';
import type { UpdateCall } from '../../core/plan/balancer-calls.ts';
import { originOf } from '../../core/plan/balancer-place.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import type { UpdaterClient, UpdaterErrorCode, UpdaterTarget } from '../../shell/proxy/updater-client.ts';
import type { Clock } from '../../shell/system/clock.ts';
import type { Metrics } from '../../shell/telemetry/metrics.ts';
import { createOriginGates } from './origin-gates.ts';

/** `waiting`: the updater does not answer, and another call is to find out when it does. `no-credentials`: its Secret cannot be had. */
export type AccessErrorCode = UpdaterErrorCode | 'waiting' | 'no-credentials';

export interface AccessFailure {
  readonly ok: false;
  readonly code: AccessErrorCode;
  readonly detail: string;
  /** When to come back, where that is known. */
  readonly retryAfterMs?: number;
}

type AccessResult<T> = { readonly ok: true; readonly value: T } | AccessFailure;

/** Calls updaters with what their config says; nothing else decides about a URL or a token. */
export interface UpdaterAccess {
  readonly update: (updater: UpdaterRef, call: UpdateCall, signal: AbortSignal) => Promise<AccessResult<void>>;
  readonly remove: (updater: UpdaterRef, backendName: string, signal: AbortSignal) => Promise<AccessResult<void>>;
  readonly isMinilb: (updater: UpdaterRef, signal: AbortSignal) => Promise<AccessResult<boolean>>;
}

export interface UpdaterAccessOptions {
  readonly client: KubeClient;
  readonly updaters: UpdaterClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics: Metrics;
}

/** A Secret is read again when it is older, or when the updater does not accept what it says. */
const SECRET_MS = 30_000;
const SECRETS_MAX = 1000;
/** How long an updater's kind is believed; it may be exchanged for another. */
const KIND_MS = 60_000;

interface Held<T> {
  readonly at: number;
  readonly value: T;
}

export function createUpdaterAccess(options: UpdaterAccessOptions): UpdaterAccess {
  const { client, updaters, clock, metrics } = options;
  const gates = createOriginGates(clock, options.random);
  const secrets = new Map<string, Held<Readonly<Record<string, string>>>>();
  const kinds = new Map<string, Held<boolean>>();

  const readSecret = async (name: string, signal: AbortSignal): Promise<Result<Readonly<Record<string, string>>, 'no-credentials'>> => {
    const known = secrets.get(name);
    if (known && clock.now() - known.at < SECRET_MS) return ok(known.value);
    const result = await client.request({ method: 'GET', path: `/api/v1/namespaces/${CONFIG_NAMESPACE}/secrets/${name}` }, signal);
    // What is held stays good while the API server is away.
    if (!result.ok && known && result.code !== 'not-found' && result.code !== 'forbidden') return ok(known.value);
    if (!result.ok) return err('no-credentials', `Secret ${CONFIG_NAMESPACE}/${name}: ${result.detail}`);
    const data = Object.entries(asObject(asObject(result.value)?.['data']) ?? {});
    const value = Object.fromEntries(data.map(([key, text]) => [key, Buffer.from(asString(text) ?? '', 'base64').toString('utf8')]));
    if (secrets.size >= SECRETS_MAX) secrets.clear();
    secrets.set(name, { at: clock.now(), value });
    return ok(value);
  };

  const toTarget = async (
    { url, tokenSecret, tlsSecret }: UpdaterRef,
    signal: AbortSignal,
  ): Promise<Result<UpdaterTarget, 'no-credentials'>> => {
    const token = tokenSecret ? await readSecret(tokenSecret.name, signal) : ok({});
    if (!token.ok) return token;
    const text = tokenSecret ? (token.value as Readonly<Record<string, string>>)[tokenSecret.key]?.trim() : undefined;
    if (tokenSecret && !text) return err('no-credentials', `Secret ${CONFIG_NAMESPACE}/${tokenSecret.name} has no ${tokenSecret.key}`);
    if (text !== undefined && !/^[\x21-\x7e]+$/.test(text))
      return err(
        'no-credentials',
        `${tokenSecret?.key} of Secret ${CONFIG_NAMESPACE}/${tokenSecret?.name} is not one line of printable characters`,
      );
    const tls = tlsSecret === undefined ? undefined : await readSecret(tlsSecret, signal);
    if (tls && !tls.ok) return tls;
    const { 'ca.crt': ca, 'tls.crt': cert, 'tls.key': key } = tls?.value ?? {};
    return ok({
      url,
      ...(text !== undefined && { token: text }),
      ...(tls && { tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } }),
    });
  };

  const call = async <T>(
    updater: UpdaterRef,
    method: string,
    signal: AbortSignal,
    ask: (target: UpdaterTarget) => Promise<Result<T, UpdaterErrorCode>>,
  ): Promise<AccessResult<T>> => {
    const target = await toTarget(updater, signal);
    if (!target.ok) return target;
    const origin = originOf(updater.url);
    const shut = gates.enter(origin);
    if (shut) return { ...err('waiting', shut.detail), retryAfterMs: shut.waitMs };
    const result = await ask(target.value);
    metrics.inc('externalCalls', { method, result: result.ok ? 'ok' : result.code });
    if (!result.ok && result.code === 'unreachable') gates.silent(origin, result.detail);
    else gates.answered(origin);
    if (!result.ok && result.code === 'unauthorized') for (const name of secretNames(updater)) secrets.delete(name);
    return result;
  };

  return {
    update: (updater, body, signal) => call(updater, 'POST', signal, (target) => updaters.update(target, body, signal)),
    remove: (updater, name, signal) => call(updater, 'DELETE', signal, (target) => updaters.remove(target, name, signal)),
    isMinilb: async (updater, signal) => {
      const known = kinds.get(updater.url);
      if (known && clock.now() - known.at < KIND_MS) return ok(known.value);
      const answer = await call(updater, 'GET', signal, (target) => updaters.isMinilb(target, signal));
      if (answer.ok) {
        if (kinds.size >= SECRETS_MAX) kinds.clear();
        kinds.set(updater.url, { at: clock.now(), value: answer.value });
      }
      return answer;
    },
  };
}

function secretNames({ tokenSecret, tlsSecret }: UpdaterRef): readonly string[] {
  return [tokenSecret?.name, tlsSecret].filter((name) => name !== undefined);
}
