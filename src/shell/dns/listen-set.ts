import type { SocketAddress } from '../../core/settings/kinds.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import { bindReason } from '../system/bind-error.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../telemetry/log.ts';
import type { DnsCounters, DnsHandler } from './handler.ts';
import { type Interfaces, type LocalAddress, localAddresses, readInterfaces } from './local-addresses.ts';
import { openSocketOptions, type SocketOptions } from './socket-options.ts';
import { createTcpPool } from './tcp-connection.ts';
import { createTcpListener } from './tcp-listener.ts';
import { createUdpListener } from './udp-listener.ts';

export interface ListenSetOptions {
  readonly listen: readonly SocketAddress[];
  readonly handle: DnsHandler;
  readonly counters: DnsCounters;
  readonly clock: Clock;
  readonly log: Log;
  /** Addresses that a wildcard must not take, asked at each scan: those that minilb itself holds for Services. */
  readonly excluded?: () => ReadonlySet<string>;
  readonly interfaces?: () => Interfaces;
}

/** Sockets on every address that `-listen` means, UDP and TCP each. */
export interface ListenSet {
  /** When the first scan is through: what is bound, or why nothing could be (one line). */
  readonly ready: Promise<Result<readonly string[], 'cannot-listen'>>;
  /** When all sockets are closed, after `signal` or a failed start. */
  readonly closed: Promise<void>;
  /** `address:port` and `[address]:port`, sorted. */
  readonly bound: () => readonly string[];
  /** The networks that bound addresses are in: whose clients are neighbours. */
  readonly networks: () => readonly LocalAddress[];
}

/** Addresses come and go; a wildcard follows within this time. */
export const SCAN_MS = 10_000;
/** Addresses bound at most; each costs two sockets. */
const ADDRESSES_MAX = 256;
/** Tries to find a port that is free for both protocols when the system chooses it. */
const FREE_PORT_TRIES = 8;
const NAMED_MAX = 4;

interface Wanted {
  readonly address: string;
  readonly port: number;
  readonly local?: LocalAddress;
}

interface Bound {
  readonly text: string;
  readonly local: LocalAddress | undefined;
  readonly stop: () => void;
  readonly closed: Promise<void>;
}

/**
 * Listens on one socket per local address and protocol, because a wildcard UDP socket lets the kernel choose the address that
 * replies come from. An address that cannot be bound is named once and tried again at each scan.
 */
export function createListenSet(options: ListenSetOptions, signal: AbortSignal): ListenSet {
  const { clock, log } = options;
  const bound = new Map<string, Bound>();
  const failed = new Map<string, string>();
  const open = createOpener(options, signal);

  const scan = async (first: boolean): Promise<void> => {
    const wanted = wantedAddresses(options);
    for (const [key, held] of bound) {
      if (wanted.has(key)) continue;
      bound.delete(key);
      held.stop();
      log.info('address is gone: no longer listening there', { address: held.text });
    }
    for (const key of failed.keys()) if (!wanted.has(key)) failed.delete(key);
    const refused: (readonly [address: string, code: string])[] = [];
    for (const [key, want] of wanted) {
      if (bound.has(key) || signal.aborted) continue;
      const opened = bound.size < ADDRESSES_MAX ? await open(want) : err('cannot-bind', `more than ${ADDRESSES_MAX} addresses`);
      if (opened.ok) {
        bound.set(key, opened.value);
        failed.delete(key);
        log.info('listening', { address: opened.value.text });
      } else if (failed.get(key) !== opened.detail) {
        failed.set(key, opened.detail);
        refused.push([key, opened.detail]);
      }
    }
    // Where nothing works from the start, the caller says so in one line and ends.
    if (first && bound.size === 0) return;
    for (const [address, code] of refused)
      log.warn('cannot listen on this address; trying again every 10 s', { address, reason: bindReason(code) });
  };

  const texts = () => [...bound.values()].map((held) => held.text).sort();
  const start = async (): Promise<Result<readonly string[], 'cannot-listen'>> => {
    await scan(true);
    if (bound.size > 0 || signal.aborted) return ok(texts());
    const reasons = [...failed].map(([key, code]) => `${key}: ${bindReason(code)}`);
    if (reasons.length === 0) return err('cannot-listen', 'no local address to listen on (-listen)');
    const more = reasons.length > NAMED_MAX ? ` and ${reasons.length - NAMED_MAX} more` : '';
    return err('cannot-listen', `cannot listen (-listen) on ${reasons.slice(0, NAMED_MAX).join('; on ')}${more}`);
  };
  const ready = start();
  const run = async (): Promise<void> => {
    const started = await ready;
    while (started.ok && !signal.aborted) {
      await clock.after(SCAN_MS, signal);
      if (!signal.aborted) await scan(false);
    }
    await Promise.all([...bound.values()].map((held) => held.closed));
  };
  const networks = () => [...bound.values()].flatMap((held) => held.local ?? []);
  return { ready, closed: run(), bound: texts, networks };
}

/** By `address:port`; addresses given by name come before the wildcard's, and are kept whatever the system reports. */
function wantedAddresses(options: ListenSetOptions): ReadonlyMap<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  const local = localAddresses((options.interfaces ?? readInterfaces)(), options.excluded?.() ?? new Set());
  const add = (want: Wanted) => {
    const key = socketText(want);
    if (!wanted.has(key)) wanted.set(key, want);
  };
  for (const { ip, port } of options.listen) {
    const known = local.find((entry) => entry.address === ip);
    if (ip !== undefined && !isWildcard(ip)) add({ address: ip, port, ...(known && { local: known }) });
  }
  for (const { ip, port } of options.listen) {
    if (ip !== undefined && !isWildcard(ip)) continue;
    const family = (address: string) => ip === undefined || address.includes(':') === ip.includes(':');
    for (const entry of local) if (family(entry.address)) add({ address: entry.address, port, local: entry });
  }
  return wanted;
}

/** `0.0.0.0` and `::` mean every address of one family. */
function isWildcard(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

type Open = (want: Wanted) => Promise<Result<Bound, 'cannot-bind'>>;

function createOpener(options: ListenSetOptions, signal: AbortSignal): Open {
  const { handle, counters, clock, log } = options;
  const pool = createTcpPool();
  const enlarge = createEnlarger(log);
  let faultLogged = Number.NEGATIVE_INFINITY;
  const fault = (error: unknown): void => {
    if (clock.now() - faultLogged < SCAN_MS) return;
    faultLogged = clock.now();
    log.error('a query was not answered because of a bug', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  };

  const openOnce: Open = async (want) => {
    const stop = new AbortController();
    const both = AbortSignal.any([stop.signal, signal]);
    const { address } = want;
    const udp = await createUdpListener({ address, port: want.port, handle, counters, fault }, both);
    if (!udp.ok) return udp;
    const tcp = createTcpListener({ address, port: udp.value.port, handle, counters, fault, clock, pool }, both);
    if (!tcp.ok) {
      stop.abort();
      return tcp;
    }
    await enlarge(udp.value.fd);
    const closed = Promise.all([udp.value.closed, tcp.value.closed]).then(() => {});
    return ok({ text: socketText(tcp.value), local: want.local, stop: () => stop.abort(), closed });
  };
  return async (want) => {
    let opened = await openOnce(want);
    for (let i = 1; want.port === 0 && !opened.ok && i < FREE_PORT_TRIES; i++) opened = await openOnce(want);
    return opened;
  };
}

/** Enlarges socket buffers; where that fails it warns once and goes on. */
function createEnlarger(log: Log): (fd: number) => Promise<void> {
  let options: Promise<Result<SocketOptions, 'no-libc'>> | undefined;
  let warned = false;
  return async (fd) => {
    options ??= openSocketOptions();
    const libc = await options;
    const outcome = libc.ok ? libc.value.enlargeBuffers(fd) : libc;
    if (outcome.ok || warned) return;
    warned = true;
    log.warn('the receive buffer stays small: bursts of queries may be lost', { reason: outcome.detail });
  };
}

function socketText(address: { readonly address: string; readonly port: number }): string {
  return address.address.includes(':') ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}
