import { OBJECT_BYTES_MAX } from '../../core/informer/limits.ts';
import { LINE_HEAD_BYTES, type LineHead, readLineHead } from '../../core/informer/line-head.ts';
import { createLineFramer } from '../../core/informer/lines.ts';
import { createListSplitter } from '../../core/informer/list-items.ts';
import type { InformerEvent, Lane } from '../../core/informer/state.ts';
import { stripManagedFields } from '../../core/informer/strip.ts';
import { toWatchEvent } from '../../core/informer/watch-event.ts';
import { asObject, type RawObject } from '../../core/object/raw.ts';
import { detailOf } from '../system/socket-error.ts';
import { yieldTurn } from '../system/yield-turn.ts';
import type { KubeClient } from './client.ts';

/** Bytes taken in before other work has its turn: a list of megabytes must not hold up queries. */
const PIECE_BYTES = 64 * 1024;

/** Why an object was left out. */
export type SkipReason = 'malformed' | 'too-long' | 'not-json';

export interface LaneOptions {
  readonly client: KubeClient;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly id: number;
  readonly mode: Lane['mode'];
  /** True when it is worth while to ask `keep`. */
  readonly mayKeep: () => boolean;
  /** True when an object of this identity is known already: it then counts as put, and is not parsed. */
  readonly keep: (head: LineHead) => boolean;
  readonly put: (object: RawObject) => void;
  readonly remove: (object: RawObject) => void;
  /** `start` is the beginning of what was left out. */
  readonly skipped: (reason: SkipReason, start: string) => void;
  readonly received: (bytes: number) => void;
  readonly report: (event: InformerEvent) => void;
}

interface Reader {
  readonly piece: (bytes: Uint8Array) => void;
  /** The stream ended by itself. */
  readonly end: () => void;
  /** True when the server itself has said that this is the end. */
  readonly over: () => boolean;
}

/** Runs one request of the informer to its end and reports what it shows. Reports nothing after `signal` has aborted. */
export async function runLane(options: LaneOptions, signal: AbortSignal): Promise<void> {
  const report = (event: InformerEvent) => {
    if (!signal.aborted) options.report(event);
  };
  const { id } = options;
  const opened = await options.client.stream({ path: options.path, query: options.query }, signal);
  if (!opened.ok) {
    const { code, detail, retryAfterSeconds } = opened;
    report({ kind: 'failed', lane: id, code, detail, retryAfterSeconds });
    return;
  }
  report({ kind: 'opened', lane: id });
  const reader = options.mode === 'pages' ? pageReader(options, report) : watchReader(options, report);
  const chunks = opened.value.chunks[Symbol.asyncIterator]();
  let taken = 0;
  for (;;) {
    const next = await nextChunk(chunks);
    if (signal.aborted) return;
    if (next.kind === 'broken')
      report({ kind: 'failed', lane: id, code: 'unreachable', detail: next.detail, retryAfterSeconds: undefined });
    if (next.kind === 'end') reader.end();
    if (next.kind !== 'bytes') return;
    options.received(next.bytes.length);
    for (let at = 0; at < next.bytes.length && !reader.over(); at += PIECE_BYTES) {
      const piece = next.bytes.subarray(at, at + PIECE_BYTES);
      reader.piece(piece);
      taken += piece.length;
      // Counted over chunks: those that wait already come without a turn of the event loop between them.
      if (taken >= PIECE_BYTES) {
        taken = 0;
        await yieldTurn();
      }
      if (signal.aborted) return;
    }
    if (reader.over()) return;
  }
}

type NextChunk =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'broken'; readonly detail: string };

/** Only a broken connection is expected to throw here; what happens with the bytes is not in this `try`. */
async function nextChunk(chunks: AsyncIterator<Uint8Array>): Promise<NextChunk> {
  try {
    const { done, value } = await chunks.next();
    return done ? { kind: 'end' } : { kind: 'bytes', bytes: value };
  } catch (error) {
    return { kind: 'broken', detail: detailOf(error, 'the API server') };
  }
}

function watchReader(options: LaneOptions, report: (event: InformerEvent) => void): Reader {
  const { id: lane } = options;
  const framer = createLineFramer(OBJECT_BYTES_MAX);
  const decoder = new TextDecoder();
  let version = '';
  let objectVersion = '';
  let over = false;

  const onLine = (line: Uint8Array) => {
    if (over) return;
    const kept = keepKnown(line, decoder, options);
    if (kept !== undefined) {
      version = kept;
      objectVersion = kept;
      return;
    }
    const event = toWatchEvent(parse(decoder.decode(line.subarray(0, stripManagedFields(line)))));
    if (!event) {
      options.skipped('not-json', decoder.decode(line.subarray(0, 200)));
      return;
    }
    if (event.kind === 'error') {
      over = true;
      report({ kind: 'failed', lane, code: event.code, detail: event.detail, retryAfterSeconds: event.retryAfterSeconds });
      return;
    }
    version = event.version || version;
    if (event.kind === 'bookmark') {
      if (!event.endMark) return;
      // What came before stands in the order of names: its versions say nothing.
      objectVersion = '';
      report({ kind: 'end-mark', lane, version });
      return;
    }
    objectVersion = event.version || objectVersion;
    if (event.kind === 'put') options.put(event.object);
    else options.remove(event.object);
  };
  return {
    piece(bytes) {
      version = '';
      objectVersion = '';
      framer.push(bytes, onLine, (start) => options.skipped('too-long', decoder.decode(start)));
      if (!over) report({ kind: 'heard', lane, version, objectVersion });
    },
    end: () => report({ kind: 'ended', lane }),
    over: () => over,
  };
}

/** The version of an object that is known as it is; a re-list shows thousands of those, and parsing each would only make garbage. */
function keepKnown(line: Uint8Array, decoder: TextDecoder, { mayKeep, keep }: LaneOptions): string | undefined {
  if (!mayKeep()) return undefined;
  const head = readLineHead(decoder.decode(line.subarray(0, LINE_HEAD_BYTES)));
  return head && keep(head) ? head.version : undefined;
}

function pageReader(options: LaneOptions, report: (event: InformerEvent) => void): Reader {
  const { id: lane } = options;
  const splitter = createListSplitter(OBJECT_BYTES_MAX);
  const decoder = new TextDecoder();
  const onItem = (item: Uint8Array) => {
    if (keepKnown(item, decoder, options) !== undefined) return;
    const object = asObject(parse(decoder.decode(item.subarray(0, stripManagedFields(item)))));
    if (object) options.put(object);
    else options.skipped('not-json', decoder.decode(item.subarray(0, 200)));
  };
  return {
    piece(bytes) {
      splitter.push(bytes, onItem, (start) => options.skipped('too-long', decoder.decode(start)));
      report({ kind: 'heard', lane, version: '', objectVersion: '' });
    },
    end() {
      const page = splitter.finish();
      if (page) report({ kind: 'page', lane, ...page });
      else report({ kind: 'failed', lane, code: 'server-error', detail: 'the reply is not a whole list', retryAfterSeconds: undefined });
    },
    over: () => false,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
