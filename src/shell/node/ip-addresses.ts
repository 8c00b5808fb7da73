import { asArray, asInteger, asObject, asString, compact } from '../../core/object/raw.ts';
import { renderAddressBatch } from '../../core/plan/address-batch.ts';
import type { HeldAddress, NodeAddressPlan } from '../../core/plan/node-addresses.ts';
import { type Ip, parseIp } from '../../core/value/ip.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import type { RunProcess } from '../system/run-process.ts';

export interface NodeState {
  readonly addresses: readonly HeldAddress[];
  readonly interfaces: readonly string[];
}

export interface BatchOutcome {
  /** Lines that the kernel refused; the others were done all the same. */
  readonly failed: number;
  /** What `ip` said of the first of them. */
  readonly detail: string;
}

export type NodeErrorCode = 'ip-failed';

/** The addresses of this network namespace, through iproute2. */
export interface NodeAddresses {
  readonly read: (signal: AbortSignal) => Promise<Result<NodeState, NodeErrorCode>>;
  /** Next hops of default routes, both families. */
  readonly gateways: (signal: AbortSignal) => Promise<Result<readonly Ip[], NodeErrorCode>>;
  readonly apply: (
    plan: Pick<NodeAddressPlan, 'add' | 'adopt' | 'remove'>,
    signal: AbortSignal,
  ) => Promise<Result<BatchOutcome, NodeErrorCode>>;
}

const TIMEOUT_MS = 10_000;

/** Reads with `ip -j` and writes with one `ip -force -batch -`: arguments and standard input, never a shell. */
export function createNodeAddresses(run: RunProcess, device: string): NodeAddresses {
  const readJson = async (args: readonly string[], signal: AbortSignal): Promise<Result<unknown, NodeErrorCode>> => {
    const result = await run(['ip', '-j', ...args], { timeoutMs: TIMEOUT_MS }, signal);
    if (!result.ok) return err('ip-failed', result.detail);
    if (result.value.exitCode !== 0) return err('ip-failed', `ip -j ${args.join(' ')}: ${firstLine(result.value.stderr)}`);
    return parseJson(result.value.stdout);
  };
  return {
    read: async (signal) => {
      const links = await readJson(['address', 'show'], signal);
      return links.ok ? ok(toNodeState(links.value)) : links;
    },
    gateways: async (signal) => {
      const v4 = await readJson(['-4', 'route', 'show', 'default'], signal);
      const v6 = await readJson(['-6', 'route', 'show', 'default'], signal);
      if (!v4.ok) return v4;
      if (!v6.ok) return v6;
      const hops = [...asArray(v4.value), ...asArray(v6.value)].flatMap((route) => [
        asObject(route)?.['gateway'],
        ...asArray(asObject(route)?.['nexthops']).map((hop) => asObject(hop)?.['gateway']),
      ]);
      return ok(compact(hops.map(parseIp)));
    },
    apply: async (plan, signal) => {
      const input = renderAddressBatch(plan, device);
      const result = await run(['ip', '-force', '-batch', '-'], { input, timeoutMs: TIMEOUT_MS }, signal);
      if (!result.ok) return err('ip-failed', result.detail);
      const failed = result.value.stderr.split('\n').filter((line) => line.startsWith('Command failed')).length;
      if (result.value.exitCode !== 0 && failed === 0) return err('ip-failed', `ip -batch: ${firstLine(result.value.stderr)}`);
      return ok({ failed, detail: firstLine(result.value.stderr) });
    },
  };
}

/** Projects the output of `ip -j address show`; entries that do not parse are left out. */
export function toNodeState(raw: unknown): NodeState {
  const links = compact(asArray(raw).map(asObject));
  return {
    interfaces: compact(links.map((link) => asString(link['ifname']))),
    addresses: links.flatMap((link) =>
      compact(asArray(link['addr_info']).map((info) => toHeldAddress(asString(link['ifname']) ?? '', info))),
    ),
  };
}

function toHeldAddress(device: string, raw: unknown): HeldAddress | undefined {
  const info = asObject(raw);
  const ip = parseIp(info?.['local']);
  const bits = asInteger(info?.['prefixlen'], 0, 128);
  if (!ip || bits === undefined) return undefined;
  return { interface: device, ip, bits, metric: asInteger(info?.['metric'], 0, 0xffff_ffff) ?? 0 };
}

/** Without any default route `ip -j` prints nothing at all. */
function parseJson(text: string): Result<unknown, NodeErrorCode> {
  if (text.trim() === '') return ok([]);
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    return err('ip-failed', 'ip -j printed something that is not JSON');
  }
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.trim() ?? '';
}
