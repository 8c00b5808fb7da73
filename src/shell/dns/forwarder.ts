import { createAnswerCache } from '../../core/forward/cache.ts';
import { createFailureCache } from '../../core/forward/failures.ts';
import {
  beginRound,
  PROBE_EVERY_MS,
  PROBE_WAIT_MS,
  type ProbeRound,
  probeName,
  probeReturned,
  probeToken,
} from '../../core/forward/loop-probe.ts';
import { fillQuery, ownQuestion, type Question, questionKey, toQuestion } from '../../core/forward/question.ts';
import { BYPASSES, PRIVATE_REVERSE } from '../../core/forward/special-names.ts';
import { recordsOf } from '../../core/forward/upstream-answer.ts';
import { isLoopback, type UpstreamAddress } from '../../core/forward/upstreams.ts';
import { ANY_TTL, writeAnswer, writeNoSuchName } from '../../core/forward/write-answer.ts';
import { type DnsName, nameToWire } from '../../core/value/dns-name.ts';
import type { DecodedRecord } from '../../core/wire/decode.ts';
import { EDE, MESSAGE_BYTES_MAX, RCODE, TYPE } from '../../core/wire/message.ts';
import { createQuery, parseQuery } from '../../core/wire/query.ts';
import type { RespondContext } from '../../core/zone/reply.ts';
import { FORWARD, fail, respond } from '../../core/zone/respond.ts';
import type { Zone } from '../../core/zone/zone.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../telemetry/log.ts';
import { type DnsAsker, type DnsClient, LATER } from './handler.ts';
import { createUpstreamPool, type Resolved, type Upstream } from './upstream-pool.ts';

export interface ForwarderOptions {
  readonly upstreams: readonly UpstreamAddress[];
  readonly zone: Zone;
  /** The context that `respond` works with; free between calls. */
  readonly ctx: RespondContext;
  /** Before the first sync foreign names wait this long for it: they might be claimed. */
  readonly syncGraceSeconds: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after each reply that was sent later, while `ctx` still tells what it was. */
  readonly answered: (client: DnsAsker, replyBytes: number) => void;
}

/** Questions under way at most; each holds up to three sockets. */
export const IN_FLIGHT_MAX = 512;
/** Clients that wait at most, over all questions. */
export const WAITING_MAX = 4_096;

/** How queries that `respond` left to the forwarder ended; all only grow. */
export interface ForwarderCounters {
  hit: number;
  miss: number;
  /** Joined a question that was already under way. */
  shared: number;
  /** Rests because it failed a moment ago. */
  resting: number;
  /** SERVFAIL because too much was under way. */
  full: number;
  notSynced: number;
  blocked: number;
  privateReverse: number;
  refused: number;
}

export interface Forwarder {
  /** Answers a query for which `respond` said `FORWARD` and whose client may be forwarded for: the reply's length, or `LATER`. */
  readonly handle: (packet: Uint8Array, length: number, out: Uint8Array, client: DnsClient) => number;
  readonly counters: Readonly<ForwarderCounters>;
  readonly upstreams: readonly Upstream[];
  readonly state: () => {
    readonly inFlight: number;
    readonly waiting: number;
    readonly cached: number;
    readonly cachedBytes: number;
    readonly ignored: number;
    readonly tcp: number;
  };
  /** Begins to look for loops: once the listeners are there, or the first probe would come back to nobody. */
  readonly start: () => void;
  readonly closed: () => Promise<void>;
}

interface Waiter {
  readonly client: DnsAsker;
  readonly packet: Uint8Array;
  readonly tcp: boolean;
  readonly ra: number;
  readonly exists: boolean;
  /** Asked for a name of ours that leads to the one in question. */
  readonly alias: boolean;
  readonly send: (reply: Uint8Array) => void;
}

/** Asks upstreams what is not ours, keeps what they say, and sees to it that questions do not go in circles. `signal` ends it. */
export function createForwarder(options: ForwarderOptions, signal: AbortSignal): Forwarder {
  const { zone, ctx, clock, log } = options;
  const pool = createUpstreamPool(options.upstreams, clock, log, signal);
  const cache = createAnswerCache();
  const failures = createFailureCache();
  const inFlight = new Map<string, Waiter[]>();
  const counters: ForwarderCounters = {
    hit: 0,
    miss: 0,
    shared: 0,
    resting: 0,
    full: 0,
    notSynced: 0,
    blocked: 0,
    privateReverse: 0,
    refused: 0,
  };
  const startedMs = clock.now();
  const hasPrivate = pool.upstreams.some((upstream) => upstream.isPrivate);
  const sources = new Set<string>(options.upstreams.filter(({ ip }) => !isLoopback(ip)).map(({ ip }) => ip));
  const lookup = createQuery();
  let waiting = 0;
  let scratch: Uint8Array | undefined;
  let probing = Promise.resolve();
  let round: ProbeRound = beginRound([]);

  const handle: Forwarder['handle'] = (packet, length, out, client) => {
    const { query } = ctx;
    if (ctx.aliasTarget !== undefined) return handleAlias(packet, length, out, client, ctx.aliasTarget);
    const token = probeToken(query);
    if (token !== undefined) probeCame(token);
    // On loopback an address does not tell who asks; the probe does.
    if (token !== undefined || sources.has(client.address) || isMeta(query.qtype)) {
      counters.refused++;
      return fail(ctx, packet, out, RCODE.REFUSED);
    }
    if (BYPASSES.covers(query)) {
      counters.blocked++;
      return writeNoSuchName(packet, out, zone, ctx);
    }
    const privateOnly = PRIVATE_REVERSE.covers(query);
    if (privateOnly && !hasPrivate) {
      counters.privateReverse++;
      return writeNoSuchName(packet, out, zone, ctx);
    }
    const nowMs = clock.now();
    if (!ctx.synced && nowMs - startedMs < options.syncGraceSeconds * 1000) {
      counters.notSynced++;
      return fail(ctx, packet, out, RCODE.SERVFAIL, EDE.NOT_READY);
    }
    const cached = cache.find(query, nowMs);
    if (cached) {
      counters.hit++;
      return writeAnswer(packet, out, zone, ctx, cached.answer, Math.floor((nowMs - cached.storedMs) / 1000), ttlSecondsMax());
    }
    return ask(packet, length, out, client, toQuestion(query), privateOnly, false);
  };

  /** A name of ours leads to a foreign one: both in one answer, or ours alone where there is no other. */
  const handleAlias = (packet: Uint8Array, length: number, out: Uint8Array, client: DnsClient, target: DnsName): number => {
    const question = ownQuestion(nameToWire(target), ctx.query.qtype);
    const nowMs = clock.now();
    const cached = cache.find(fillQuery(lookup, question), nowMs);
    if (!cached)
      return sources.has(client.address) ? complete(packet, length, out, []) : ask(packet, length, out, client, question, false, true);
    counters.hit++;
    return complete(packet, length, out, recordsOf(question, cached.answer, Math.floor((nowMs - cached.storedMs) / 1000)));
  };

  const complete = (packet: Uint8Array, length: number, out: Uint8Array, records: readonly DecodedRecord[]): number => {
    ctx.foreignRecords = records;
    const written = respond(packet, length, out, zone, ctx);
    ctx.foreignRecords = undefined;
    // The name may have become somebody else's meanwhile: the client asks again.
    return written === FORWARD ? fail(ctx, packet, out, RCODE.SERVFAIL) : written;
  };

  /** Before the first sync a name may turn out to be claimed a moment later. */
  const ttlSecondsMax = () => (ctx.synced ? ANY_TTL : zone.config.ttlSeconds);

  const ask = (
    packet: Uint8Array,
    length: number,
    out: Uint8Array,
    client: DnsClient,
    question: Question,
    privateOnly: boolean,
    alias: boolean,
  ): number => {
    const key = questionKey(question);
    if (failures.isFailing(key, clock.now())) {
      counters.resting++;
      return alias ? complete(packet, length, out, []) : fail(ctx, packet, out, RCODE.SERVFAIL, EDE.NO_REACHABLE_AUTHORITY);
    }
    const waiters = inFlight.get(key);
    if (waiting >= WAITING_MAX || (!waiters && inFlight.size >= IN_FLIGHT_MAX)) {
      counters.full++;
      return alias ? complete(packet, length, out, []) : fail(ctx, packet, out, RCODE.SERVFAIL, EDE.OTHER);
    }
    waiting++;
    const waiter = {
      packet: packet.slice(0, length),
      tcp: ctx.tcp,
      ra: ctx.ra,
      exists: ctx.forwardedNameExists,
      alias,
      client: { address: client.address, port: client.port, family: client.family, transport: client.transport },
      send: client.later(),
    };
    if (waiters) {
      counters.shared++;
      waiters.push(waiter);
      return LATER;
    }
    counters.miss++;
    inFlight.set(key, [waiter]);
    void pool.resolve(question, privateOnly).then((resolved) => settle(key, question, resolved));
    return LATER;
  };

  const settle = (key: string, question: Question, resolved: Resolved): void => {
    const waiters = inFlight.get(key) ?? [];
    inFlight.delete(key);
    waiting -= waiters.length;
    if (resolved.kind === 'answer') failures.answered(key);
    else failures.failed(key, clock.now());
    scratch ??= new Uint8Array(MESSAGE_BYTES_MAX);
    const out = scratch;
    if (resolved.kind === 'answer') cache.put(fillQuery(lookup, question), question, resolved.answer, clock.now());
    for (const waiter of waiters) {
      parseQuery(waiter.packet, waiter.packet.length, ctx.query);
      ctx.tcp = waiter.tcp;
      ctx.ra = waiter.ra;
      ctx.forwardedNameExists = waiter.exists;
      const length = waiter.alias
        ? complete(waiter.packet, waiter.packet.length, out, resolved.kind === 'answer' ? recordsOf(question, resolved.answer, 0) : [])
        : settled(waiter.packet, out, resolved);
      options.answered(waiter.client, length);
      waiter.send(out.subarray(0, length));
    }
  };

  const settled = (packet: Uint8Array, out: Uint8Array, resolved: Resolved): number =>
    resolved.kind === 'answer'
      ? writeAnswer(packet, out, zone, ctx, resolved.answer, 0, ttlSecondsMax())
      : fail(ctx, packet, out, RCODE.SERVFAIL, resolved.kind === 'silent' ? EDE.NETWORK_ERROR : EDE.NO_REACHABLE_AUTHORITY);

  const probeCame = (token: string): void => {
    const seen = probeReturned(round, token);
    round = seen.round;
    const upstream = pool.upstreams[seen.upstream];
    if (upstream) pool.setLooping(upstream, true);
  };

  const probe = async (): Promise<void> => {
    round = beginRound(pool.upstreams.map(randomToken));
    const sent = round;
    const wait = new AbortController();
    const both = AbortSignal.any([wait.signal, signal]);
    for (const [i, upstream] of pool.upstreams.entries())
      void pool.send(upstream, ownQuestion(probeName(sent.tokens[i] ?? ''), TYPE.TXT), both);
    await clock.after(PROBE_WAIT_MS, signal);
    wait.abort();
    for (const [i, upstream] of pool.upstreams.entries()) if (!round.returned[i]) pool.setLooping(upstream, false);
  };
  const probeForEver = async (): Promise<void> => {
    while (!signal.aborted) {
      await probe();
      await clock.after(PROBE_EVERY_MS, signal);
    }
  };

  return {
    handle,
    counters,
    upstreams: pool.upstreams,
    state: () => ({
      inFlight: inFlight.size,
      waiting,
      cached: cache.size(),
      cachedBytes: cache.bytes(),
      ignored: pool.ignored(),
      tcp: pool.tcp(),
    }),
    start: () => {
      probing = probeForEver();
    },
    closed: () => probing,
  };
}

/** Types that mean something to one server only, or to a whole zone; ANY is asked like any type. */
function isMeta(qtype: number): boolean {
  return qtype === 0 || qtype === TYPE.OPT || (qtype >= 128 && qtype < TYPE.ANY);
}

function randomToken(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}
