import { type Clock, withTimeout } from '../system/clock.ts';

const HEALTH_URL = 'http://127.0.0.1:10256/healthz';
const MODE_URL = 'http://127.0.0.1:10249/proxyMode';
const ASK_MS_MAX = 2000;
const MODE_LENGTH_MAX = 32;

/** What kube-proxy on this node says of itself, on the ports it has by default. */
export interface KubeProxy {
  /** It has programmed the node once and is alive. */
  readonly healthy: (signal: AbortSignal) => Promise<boolean>;
  /** `iptables`, `nftables`, `ipvs`; undefined when nobody answers. */
  readonly mode: (signal: AbortSignal) => Promise<string | undefined>;
}

export function createKubeProxy(clock: Clock): KubeProxy {
  const ask = async (url: string, signal: AbortSignal): Promise<string | undefined> => {
    const limit = withTimeout(clock, ASK_MS_MAX, signal);
    try {
      const response = await fetch(url, { signal: limit.signal, redirect: 'error' });
      const text = await response.text();
      return response.ok ? text : undefined;
    } catch {
      return undefined;
    } finally {
      limit.done();
    }
  };
  return {
    healthy: async (signal) => (await ask(HEALTH_URL, signal)) !== undefined,
    mode: async (signal) => (await ask(MODE_URL, signal))?.trim().slice(0, MODE_LENGTH_MAX),
  };
}
