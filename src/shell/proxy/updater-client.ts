import { asObject, asString } from '../../core/object/raw.ts';
import type { UpdateCall } from '../../core/plan/balancer-calls.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import { type Clock, withTimeout } from '../system/clock.ts';
import { readText } from '../system/read-text.ts';
import { detailOf } from '../system/socket-error.ts';

/** An updater, and what to show it. */
export interface UpdaterTarget {
  readonly url: string;
  readonly token?: string;
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** `unreachable`: no answer in time; `unauthorized`: 401 or 403; `refused`: any other answer than that it was done. */
export type UpdaterErrorCode = 'unreachable' | 'unauthorized' | 'refused';

export interface UpdaterClient {
  readonly update: (target: UpdaterTarget, call: UpdateCall, signal: AbortSignal) => Promise<Result<void, UpdaterErrorCode>>;
  readonly remove: (target: UpdaterTarget, backendName: string, signal: AbortSignal) => Promise<Result<void, UpdaterErrorCode>>;
  /** Whether it is a `minilb updater`, which knows fields that nginx-lb-updater does not: asked by GET, which that one refuses. */
  readonly isMinilb: (target: UpdaterTarget, signal: AbortSignal) => Promise<Result<boolean, UpdaterErrorCode>>;
}

/** The original gives a call this long. */
export const CALL_MS_MAX = 10_000;
const ANSWER_BYTES_MAX = 64 * 1024;
/** A list of thousands of backends is longer than any error. */
const LIST_BYTES_MAX = 16 * 1024 * 1024;
const REASON_LENGTH_MAX = 300;

/** What `fetch` is asked; tests put a server without sockets in its place. */
export type Send = (url: string, init: BunFetchRequestInit) => Promise<Response>;

export interface UpdaterClientOptions {
  readonly clock: Clock;
  readonly userAgent: string;
  readonly send?: Send;
}

/**
 * Calls updaters as the original's operator does: JSON and a newline without Content-Type, 10 s in all, redirects not followed. It never
 * throws. Anything but 2xx is a failure, a redirect too: followed or not, nothing was configured. The token goes to the URL it is given with.
 */
export function createUpdaterClient(options: UpdaterClientOptions): UpdaterClient {
  const { clock, userAgent, send = fetch } = options;

  const exchange = async (
    target: UpdaterTarget,
    method: 'GET' | 'POST' | 'DELETE',
    body: unknown,
    signal: AbortSignal,
  ): Promise<Result<{ readonly status: number; readonly text: string; readonly location: string }, 'unreachable'>> => {
    const limit = withTimeout(clock, CALL_MS_MAX, signal);
    try {
      const response = await raced(
        send(target.url, {
          method,
          headers: {
            'user-agent': userAgent,
            accept: '*/*',
            ...(target.token !== undefined && { authorization: `Bearer ${target.token}` }),
          },
          // Bytes: a text would be sent with a Content-Type of Bun's choice.
          ...(body !== undefined && { body: new TextEncoder().encode(`${JSON.stringify(body)}\n`) }),
          ...(target.tls && { tls: target.tls }),
          redirect: 'manual',
          signal: limit.signal,
          timeout: false,
        }),
        limit.late,
      );
      const text = await raced(readText(response, method === 'GET' ? LIST_BYTES_MAX : ANSWER_BYTES_MAX), limit.late);
      return ok({ status: response.status, text: text ?? '', location: response.headers.get('location') ?? '' });
    } catch (error) {
      const cause: unknown = limit.signal.aborted ? limit.signal.reason : error;
      return err('unreachable', `${target.url}: ${detailOf(cause, 'the updater')}`);
    } finally {
      limit.done();
    }
  };

  const change = async (target: UpdaterTarget, method: 'POST' | 'DELETE', body: unknown, signal: AbortSignal) => {
    const answer = await exchange(target, method, body, signal);
    if (!answer.ok) return answer;
    const { status, text, location } = answer.value;
    if (status >= 200 && status < 300) return ok(undefined);
    return failed(target, status, text, location);
  };

  return {
    update: (target, call, signal) => change(target, 'POST', call, signal),
    remove: (target, backendName, signal) => change(target, 'DELETE', { backendName }, signal),
    isMinilb: async (target, signal) => {
      const answer = await exchange(target, 'GET', undefined, signal);
      if (!answer.ok) return answer;
      const { status, text, location } = answer.value;
      if (status === 200) return ok(isOurList(text));
      return status === 401 || status === 403 || status >= 500 ? failed(target, status, text, location) : ok(false);
    },
  };
}

function failed(target: UpdaterTarget, status: number, text: string, location: string) {
  const code = status === 401 || status === 403 ? ('unauthorized' as const) : ('refused' as const);
  const why =
    status >= 300 && status < 400
      ? `redirects are not followed; it leads to ${JSON.stringify(location.slice(0, REASON_LENGTH_MAX))}. Put the final URL into the config`
      : reasonIn(text);
  return err(code, `${target.url} answered ${status}${why === '' ? '' : `: ${why}`}`);
}

/** `{"err":"…"}`, or whatever it is in one line without markup. */
function reasonIn(text: string): string {
  const said = asString(asObject(parse(text))?.['err']) ?? text.replace(/<[^>]{0,1000}>/g, ' ');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const line = said.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return line.length > REASON_LENGTH_MAX ? `${line.slice(0, REASON_LENGTH_MAX)}…` : line;
}

function isOurList(text: string): boolean {
  const list = asObject(parse(text));
  return asString(list?.['version']) !== undefined && Array.isArray(list?.['backends']);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A peer that keeps a body open, or a sender that looks at no signal, holds nobody. */
async function raced<T>(work: Promise<T>, late: Promise<void>): Promise<T> {
  const first = await Promise.race([work.then((value) => ({ value })), late]);
  if (!first) throw new Error('no answer in time');
  return first.value;
}
