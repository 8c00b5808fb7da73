import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { applyObject, initialState, removeObject } from '../../core/api-server/apply.ts';
import { runControllers } from '../../core/api-server/controllers.ts';
import { type ApiAnswer, handleRequest } from '../../core/api-server/handle.ts';
import type { ApiKind } from '../../core/api-server/kind.ts';
import { resourceKey } from '../../core/api-server/kind.ts';
import { ENDPOINT_SLICE } from '../../core/api-server/kind-endpoint-slice.ts';
import { kindsWith } from '../../core/api-server/kinds.ts';
import { type ApiState, compacted } from '../../core/api-server/state.ts';
import { advanceWatch, bookmark, type Watch, type WatchEvent } from '../../core/api-server/watch.ts';
import type { RawObject } from '../../core/object/raw.ts';
import type { Result } from '../../core/value/result.ts';
import type { Clock } from '../system/clock.ts';

export interface EmbeddedServerOptions {
  readonly clock: Clock;
  /** A number in [0, 1): uids, generated names, allocated addresses. */
  readonly random: () => number;
  /** On 127.0.0.1; absent or 0: a free one. */
  readonly port?: number;
  /** Served beside `API_KINDS`, or in place of one of them: rows for custom resources. */
  readonly furtherKinds?: readonly ApiKind[];
  /** What it starts with, for a server that takes another's place; absent: a new cluster. */
  readonly state?: ApiState;
}

/** A small Kubernetes API on plain HTTP, with the endpoint slice controller inside. */
export interface EmbeddedServer {
  /** `http://127.0.0.1:<port>`; known once `ready` has resolved. */
  readonly url: () => string;
  /** Everything it knows now. */
  readonly state: () => ApiState;
  /** Creates or replaces an object with its status; `refused` says what the API would have said. */
  readonly apply: (object: RawObject) => Result<ApiState, 'refused'>;
  /** Removes an object (apiVersion, kind, metadata.namespace, metadata.name) without grace. */
  readonly remove: (object: RawObject) => Result<ApiState, 'refused'>;
  /** Forgets the history of changes: watches from before get 410. */
  readonly compact: () => void;
  /** Resolves when it listens; rejects with a sentence when it cannot (a port in use). */
  readonly ready: Promise<void>;
  /** Resolves when, after the signal, every connection is closed. */
  readonly closed: Promise<void>;
}

const BODY_BYTES_MAX = 3 * 1024 * 1024;
/** A watch whose client reads this little is cut, as the real server does. */
const WATCH_BACKLOG_BYTES_MAX = 16 * 1024 * 1024;
const WATCHES_MAX = 1000;
const BOOKMARK_MS = 60_000;
const WATCH_SECONDS_MIN = 1800;

interface OpenWatch {
  watch: Watch;
  readonly response: ServerResponse;
  readonly over: AbortController;
}

/** Starts the server; it ends with the signal. */
export function createEmbeddedServer(options: EmbeddedServerOptions, signal: AbortSignal): EmbeddedServer {
  const { clock, random } = options;
  const kinds = kindsWith(options.furtherKinds ?? []);
  const slices = kinds.find((kind) => resourceKey(kind) === resourceKey(ENDPOINT_SLICE));
  const context = () => ({ wallMs: clock.wall(), random, strict: false });
  const watches = new Set<OpenWatch>();
  let state = options.state ?? initialState(kinds, context());

  const commit = (next: ApiState) => {
    const since = state.version;
    state = runControllers(next, since, context(), slices);
    if (state.version > since) for (const open of watches) push(open, state);
  };
  const changed = (result: Result<ApiState, 'refused'>) => {
    if (result.ok) commit(result.value);
    return result;
  };

  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      if (body === undefined) return refuse(response);
      const handled = handleRequest(state, kinds, { ...head(request), body }, context());
      commit(handled.state);
      const { answer } = handled;
      if (answer.kind !== 'watch') return send(response, answer);
      if (watches.size >= WATCHES_MAX) return refuse(response);
      follow({ watch: answer.watch, response, over: new AbortController() }, answer.events);
    });
  });

  const follow = (open: OpenWatch, events: readonly WatchEvent[]) => {
    const { response, over } = open;
    watches.add(open);
    response.on('close', () => {
      watches.delete(open);
      over.abort();
    });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    write(open, events);
    push(open, state);
    const seconds = open.watch.timeoutSeconds ?? WATCH_SECONDS_MIN * (1 + random());
    void clock.after(seconds * 1000, over.signal).then(() => end(open));
    void sendBookmarks(open, clock);
  };

  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`the embedded API server cannot listen on port ${options.port ?? 0}: ${error.message}`)),
    );
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const closed = new Promise<void>((resolve) => {
    const close = () => {
      server.close(() => resolve());
      server.closeAllConnections();
    };
    if (signal.aborted) close();
    else signal.addEventListener('abort', close, { once: true });
  });

  return {
    url: () => {
      const address = server.address();
      if (typeof address !== 'object' || !address) throw new Error('the embedded API server does not listen yet: await ready');
      return `http://127.0.0.1:${address.port}`;
    },
    state: () => state,
    apply: (object) => changed(applyObject(state, kinds, object, context())),
    remove: (object) => changed(removeObject(state, kinds, object, context())),
    compact: () => {
      state = compacted(state);
    },
    ready: listening,
    closed,
  };
}

/** Sends what a watch has not seen yet. */
function push(open: OpenWatch, state: ApiState): void {
  const progress = advanceWatch(state, open.watch);
  open.watch = progress.watch;
  write(open, progress.events);
  if (progress.over) end(open);
}

function write(open: OpenWatch, events: readonly WatchEvent[]): void {
  if (events.length > 0) open.response.write(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  if (open.response.writableLength > WATCH_BACKLOG_BYTES_MAX) open.response.destroy();
}

function end(open: OpenWatch): void {
  open.over.abort();
  if (!open.response.writableEnded) open.response.end();
}

async function sendBookmarks(open: OpenWatch, clock: Clock): Promise<void> {
  while (open.watch.bookmarks) {
    await clock.after(BOOKMARK_MS, open.over.signal);
    if (open.over.signal.aborted) return;
    write(open, [bookmark(open.watch)]);
  }
}

function head(request: IncomingMessage) {
  const url = new URL(request.url ?? '/', 'http://embedded');
  return {
    method: request.method ?? 'GET',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    accept: request.headers.accept ?? '',
    contentType: request.headers['content-type'] ?? '',
  };
}

/** The body's text; `undefined` when it is too long or broke off. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) return undefined;
      chunks.push(chunk);
    }
  } catch {
    // The client went away: there is nobody left to answer.
    return undefined;
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function refuse(response: ServerResponse): void {
  response.writeHead(413, { 'content-type': 'text/plain' });
  response.end('request entity too large, or too many watches\n');
}

function send(response: ServerResponse, answer: Exclude<ApiAnswer, { readonly kind: 'watch' }>): void {
  switch (answer.kind) {
    case 'text':
      response.writeHead(answer.status, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(answer.text);
      return;
    case 'discovery':
      response.writeHead(200, { 'content-type': answer.contentType });
      response.end(`${JSON.stringify(answer.body)}\n`);
      return;
    case 'status':
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(answer.body)}\n`);
      return;
    case 'object': {
      const warnings = answer.warnings.map((warning) => `299 - ${JSON.stringify(warning)}`);
      response.writeHead(answer.status, {
        'content-type': 'application/json',
        ...(warnings.length > 0 && { warning: warnings.join(', ') }),
      });
      response.end(`${JSON.stringify(answer.body)}\n`);
    }
  }
}
