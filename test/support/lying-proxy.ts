import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ApiAccess } from './api.ts';

/** An HTTP proxy before an API server whose watches can lose events without a sign. */
export interface LyingProxy {
  readonly url: string;
  /** From now on the watches that are open lose every event whose line matches; bookmarks and later requests are told the truth. */
  readonly lie: (matches: RegExp) => void;
  /** Events withheld so far. */
  readonly withheld: () => number;
  readonly stop: () => Promise<void>;
}

interface Stream {
  lies: RegExp | undefined;
}

/** Plain HTTP on a free port of 127.0.0.1; requests go on with `access`. */
export async function startLyingProxy(server: string, access: ApiAccess): Promise<LyingProxy> {
  const streams = new Set<Stream>();
  let withheld = 0;

  const pass = (stream: Stream, line: string) => {
    if (!stream.lies || line.startsWith('{"type":"BOOKMARK"') || !stream.lies.test(line)) return true;
    withheld++;
    return false;
  };
  const proxy = createServer((request, response) => {
    const stream: Stream = { lies: undefined };
    streams.add(stream);
    response.on('close', () => streams.delete(stream));
    forward(server, access, request, response, (line) => pass(stream, line)).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  if (typeof address !== 'object' || !address) throw new Error('the proxy has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    lie: (matches) => {
      for (const stream of streams) stream.lies = matches;
    },
    withheld: () => withheld,
    stop: () =>
      new Promise<void>((resolve) => {
        proxy.close(() => resolve());
        proxy.closeAllConnections();
      }),
  };
}

async function forward(
  server: string,
  access: ApiAccess,
  request: IncomingMessage,
  response: ServerResponse,
  pass: (line: string) => boolean,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const chunks: Uint8Array[] = [];
  for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk);
  const headers: Record<string, string> = {};
  for (const name of ['accept', 'content-type', 'user-agent']) {
    const value = request.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  if (access.token) headers['authorization'] = `Bearer ${access.token}`;
  const reply = await fetch(`${server}${request.url}`, {
    method: request.method ?? 'GET',
    headers,
    ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    ...(access.ca && { tls: { ca: access.ca } }),
    signal: gone.signal,
    timeout: false,
  });
  response.writeHead(reply.status, { 'content-type': reply.headers.get('content-type') ?? 'application/json' });
  response.flushHeaders();
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of reply.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    const told = lines.filter(pass).map((line) => `${line}\n`);
    if (told.length > 0) response.write(told.join(''));
  }
  response.end(rest);
}
