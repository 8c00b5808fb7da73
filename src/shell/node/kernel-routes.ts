import type { KernelRoute } from '../../core/doctor/machine-facts.ts';
import { asArray, asObject, asString } from '../../core/object/raw.ts';
import { type Ip, ipFamily, parseCidr, parseIp } from '../../core/value/ip.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import type { RunProcess } from '../system/run-process.ts';

/** The routes of this machine, read through iproute2. */
export interface KernelRoutes {
  /** The main table, both families; default routes are `0.0.0.0/0` and `::/0`. */
  readonly read: (signal: AbortSignal) => Promise<Result<readonly KernelRoute[], 'ip-failed'>>;
  /** The gateway of packets to this address; absent when it is on link or there is no route. */
  readonly gatewayTo: (address: Ip, signal: AbortSignal) => Promise<Ip | undefined>;
}

const TIMEOUT_MS = 10_000;
const DEFAULTS = { 4: '0.0.0.0/0', 6: '::/0' } as const;

export function createKernelRoutes(run: RunProcess): KernelRoutes {
  const read = async (args: readonly string[], signal: AbortSignal): Promise<Result<readonly unknown[], 'ip-failed'>> => {
    const result = await run(['ip', '-j', ...args], { timeoutMs: TIMEOUT_MS }, signal);
    if (!result.ok) return err('ip-failed', result.detail);
    const { exitCode, stdout, stderr } = result.value;
    if (exitCode !== 0) return err('ip-failed', stderr.split('\n')[0] ?? '');
    try {
      return ok(stdout.trim() === '' ? [] : asArray(JSON.parse(stdout)));
    } catch {
      return err('ip-failed', 'ip -j printed something that is not JSON');
    }
  };
  const family = async (which: 4 | 6, signal: AbortSignal): Promise<Result<readonly KernelRoute[], 'ip-failed'>> => {
    const listed = await read([`-${which}`, 'route', 'show'], signal);
    return listed.ok ? ok(listed.value.flatMap((raw) => toRoute(raw, which))) : listed;
  };
  return {
    read: async (signal) => {
      const v4 = await family(4, signal);
      if (!v4.ok) return v4;
      const v6 = await family(6, signal);
      // A kernel without IPv6 refuses the question.
      return ok([...v4.value, ...(v6.ok ? v6.value : [])]);
    },
    gatewayTo: async (address, signal) => {
      const got = await read([`-${ipFamily(address)}`, 'route', 'get', address], signal);
      return got.ok ? parseIp(asObject(got.value[0])?.['gateway']) : undefined;
    },
  };
}

/** A destination without a length is one address. */
function toRoute(raw: unknown, family: 4 | 6): readonly KernelRoute[] {
  const route = asObject(raw);
  const text = asString(route?.['dst']) ?? '';
  const whole = text === 'default' ? DEFAULTS[family] : text.includes('/') ? text : `${text}/${family === 4 ? 32 : 128}`;
  const destination = parseCidr(whole);
  return destination ? [{ destination, via: parseIp(route?.['gateway']) }] : [];
}
