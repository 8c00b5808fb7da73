import { judge, type Verdict } from '../../core/forward/judge.ts';
import { encodeQuestion, type Question } from '../../core/forward/question.ts';
import type { UpstreamAnswer } from '../../core/forward/upstream-answer.ts';
import { isLoopback, type UpstreamAddress } from '../../core/forward/upstreams.ts';
import { addChunk, createFraming, keepRest, LENGTH_BYTES, nextMessage } from '../../core/wire/tcp-framing.ts';

/** What came of asking one upstream. `silent`: nothing, or no connection; the upstream may be away. `aborted`: the caller no longer wants it. */
export type Outcome =
  | { readonly kind: 'answer'; readonly answer: UpstreamAnswer }
  | { readonly kind: 'failed' | 'silent'; readonly reason: string }
  | { readonly kind: 'aborted' };

export interface ExchangeEvents {
  /** A message that was no answer to the question: a guess, a duplicate, a fault. */
  readonly ignored: (reason: string) => void;
  readonly tcp: () => void;
}

/**
 * Asks one upstream one question: over UDP from a connected socket of its own, so that strangers cannot reach it and the port is as random
 * as the kernel's choice, then over TCP where the answer was cut (RFC 7766 §5). Waits until `signal` aborts; never rejects.
 */
export async function askUpstream(to: UpstreamAddress, question: Question, events: ExchangeEvents, signal: AbortSignal): Promise<Outcome> {
  let verdict = await askOnce(to, question, true, events, signal);
  if (verdict.kind === 'no-edns') verdict = await askOnce(to, question, false, events, signal);
  if (verdict.kind === 'no-edns') return { kind: 'failed', reason: 'FORMERR' };
  return verdict;
}

type Step = Outcome | { readonly kind: 'no-edns' };

async function askOnce(to: UpstreamAddress, question: Question, edns: boolean, events: ExchangeEvents, signal: AbortSignal): Promise<Step> {
  const trusted = isLoopback(to.ip);
  const ask = (transport: typeof overUdp): Promise<Verdict | Outcome> => {
    const id = randomId();
    const packet = encodeQuestion(question, { id, edns, authentic: trusted });
    return transport(to, packet, (bytes) => judge(bytes, id, question, trusted), events, signal);
  };
  let verdict = await ask(overUdp);
  if (verdict.kind === 'truncated') {
    events.tcp();
    verdict = await ask(overTcp);
  }
  return verdict.kind === 'truncated' || verdict.kind === 'ignored' ? { kind: 'failed', reason: `${verdict.kind} over TCP` } : verdict;
}

type Judge = (bytes: Uint8Array) => Verdict;

const ABORTED: Outcome = { kind: 'aborted' };

async function overUdp(
  to: UpstreamAddress,
  packet: Uint8Array,
  judgeBytes: Judge,
  events: ExchangeEvents,
  signal: AbortSignal,
): Promise<Verdict | Outcome> {
  if (signal.aborted) return ABORTED;
  const settled = Promise.withResolvers<Verdict | Outcome>();
  const abort = () => settled.resolve(ABORTED);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const socket = await Bun.udpSocket({
      connect: { hostname: to.ip, port: to.port },
      binaryType: 'uint8array',
      socket: {
        data: (_, bytes) => {
          const verdict = judgeBytes(bytes);
          if (verdict.kind === 'ignored') events.ignored(verdict.reason);
          else settled.resolve(verdict);
        },
        // Without this handler one ICMP message ends the process.
        error: (error: unknown) => settled.resolve(silent(error)),
      },
    });
    try {
      if (!signal.aborted) socket.send(packet);
      return await settled.promise;
    } finally {
      socket.close();
    }
  } catch (error) {
    return silent(error);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function overTcp(
  to: UpstreamAddress,
  packet: Uint8Array,
  judgeBytes: Judge,
  _events: ExchangeEvents,
  signal: AbortSignal,
): Promise<Verdict | Outcome> {
  if (signal.aborted) return ABORTED;
  const settled = Promise.withResolvers<Verdict | Outcome>();
  const abort = () => settled.resolve(ABORTED);
  signal.addEventListener('abort', abort, { once: true });
  const framing = createFraming();
  const framed = new Uint8Array(LENGTH_BYTES + packet.length);
  framed.set([packet.length >> 8, packet.length & 255]);
  framed.set(packet, LENGTH_BYTES);
  try {
    const connecting = Bun.connect({
      hostname: to.ip,
      port: to.port,
      socket: {
        binaryType: 'uint8array',
        open: (socket) => void socket.write(framed),
        data: (_, chunk) => {
          addChunk(framing, chunk);
          const message = nextMessage(framing);
          // What follows the first message is nobody's answer.
          if (message) settled.resolve(judgeBytes(message));
          else keepRest(framing);
        },
        close: () => settled.resolve({ kind: 'silent', reason: 'closed over TCP' }),
        error: (_, error) => settled.resolve(silent(error)),
        connectError: (_, error) => settled.resolve(silent(error)),
      },
    });
    // A connection attempt cannot be withdrawn: it is ended once it is there.
    const ended = connecting.then(
      (socket) => settled.promise.then(() => socket.terminate()),
      (error: unknown) => settled.resolve(silent(error)),
    );
    void ended;
    return await settled.promise;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function silent(error: unknown): Outcome {
  return { kind: 'silent', reason: String((error as { code?: unknown }).code ?? error) };
}

function randomId(): number {
  return crypto.getRandomValues(new Uint16Array(1))[0] as number;
}
