/** One request of a test to an API server; `body` is sent as JSON, a PATCH as a merge patch unless `contentType` says otherwise. */
export interface ApiTestRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** Another bearer token than the admin's; empty: none. */
  readonly token?: string;
  readonly signal?: AbortSignal;
}

export interface ApiReply {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed when it is JSON, else its text. */
  readonly body: unknown;
}

/** What the suites that run against both the embedded and the real API server need of one. */
export interface ApiServer {
  readonly server: string;
  /** Path of an admin's kubeconfig. */
  readonly kubeconfig: string;
  /** What an admin needs beside the URL. */
  readonly access: ApiAccess;
  /** Writes an admin's kubeconfig for another way to the same server (a proxy's URL); returns its path. */
  readonly kubeconfigAt: (name: string, url: string) => string;
  readonly request: (request: ApiTestRequest) => Promise<ApiReply>;
  /** Opens a watch or streaming list; abort the request's signal to end it. */
  readonly watch: (request: ApiTestRequest) => Promise<ApiWatch>;
  /** Forgets the history of changes; what a watch cache still holds is gone after a restart. */
  readonly compact: () => Promise<void>;
  readonly stopApiServer: () => Promise<void>;
  /** Starts it again with the same objects, and forgets the history of watches. */
  readonly startApiServer: () => Promise<void>;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: Record<string, unknown>;
}

export interface ApiWatch {
  readonly status: number;
  /** All events so far, in order; grows while the watch is open. */
  readonly events: readonly WatchEvent[];
  /** Resolves when the server, or the signal, has ended it. */
  readonly ended: Promise<void>;
  readonly close: () => Promise<void>;
}

export interface ApiAccess {
  readonly ca?: string;
  readonly token?: string;
}

/** Returns a function that sends one request and reads the whole reply. */
export function createApi(server: string, access: ApiAccess): (request: ApiTestRequest) => Promise<ApiReply> {
  return async (request) => {
    const reply = await send(server, access, request);
    const text = await reply.text();
    const json = (reply.headers.get('content-type') ?? '').includes('json');
    return { status: reply.status, headers: reply.headers, body: json ? (JSON.parse(text) as unknown) : text };
  };
}

/** Returns a function that opens a watch; a refusal (4xx) has its Status as the only event's object. */
export function createWatch(server: string, access: ApiAccess): (request: ApiTestRequest) => Promise<ApiWatch> {
  return async (request) => {
    const closing = new AbortController();
    const signal = request.signal ? AbortSignal.any([closing.signal, request.signal]) : closing.signal;
    const reply = await send(server, access, { ...request, query: { watch: 'true', ...request.query }, signal });
    const events: WatchEvent[] = [];
    const ended = reply.ok ? readLines(reply, (line) => events.push(JSON.parse(line) as WatchEvent)) : readRefusal(reply, events);
    const close = async () => {
      closing.abort();
      await ended;
    };
    return { status: reply.status, events, ended, close };
  };
}

function send(server: string, access: ApiAccess, request: ApiTestRequest): Promise<Response> {
  const method = request.method ?? 'GET';
  const query = new URLSearchParams(request.query ?? {}).toString();
  const token = request.token ?? access.token;
  const headers: Record<string, string> = { accept: request.accept ?? 'application/json' };
  if (token) headers['authorization'] = `Bearer ${token}`;
  if (request.body !== undefined)
    headers['content-type'] = request.contentType ?? (method === 'PATCH' ? 'application/merge-patch+json' : 'application/json');
  return fetch(`${server}${request.path}${query && `?${query}`}`, {
    method,
    headers,
    ...(request.body !== undefined && { body: typeof request.body === 'string' ? request.body : JSON.stringify(request.body) }),
    ...(access.ca && { tls: { ca: access.ca } }),
    ...(request.signal && { signal: request.signal }),
    timeout: false,
  });
}

async function readRefusal(reply: Response, events: WatchEvent[]): Promise<void> {
  events.push({ type: 'REFUSED', object: (await reply.json()) as Record<string, unknown> });
}

/** A watch that is aborted or cut is over: its events so far stand. */
async function readLines(reply: Response, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of reply.body ?? []) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') take(line);
    }
  } catch {
    return;
  }
}
