import { readFileSync } from 'node:fs';
import { ENDPOINT_SLICES, NODES, SERVICES } from '../../src/core/object/resources.ts';

const TLS = `${import.meta.dirname}/tls`;

export interface FakeApiOptions {
  /** Answers in place of the lists; `undefined` lets the list answer. */
  readonly refuse?: (request: Request, path: string) => Response | undefined;
  readonly services?: readonly unknown[];
  readonly slices?: readonly unknown[];
  readonly tls?: boolean;
}

export interface FakeApi {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/**
 * The least that an API server does, for tests of what minilb says when one misbehaves: plain lists, watches that stay silent, no streaming
 * lists (an old server).
 */
export function startFakeApi(options: FakeApiOptions = {}): FakeApi {
  const lists: Readonly<Record<string, readonly unknown[]>> = {
    [SERVICES.path]: options.services ?? [],
    [ENDPOINT_SLICES.path]: options.slices ?? [],
    [NODES.path]: [],
  };
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    ...(options.tls && { tls: { cert: readFileSync(`${TLS}/server.pem`, 'utf8'), key: readFileSync(`${TLS}/server.key`, 'utf8') } }),
    fetch: (request) => {
      const url = new URL(request.url);
      const refused = options.refuse?.(request, url.pathname);
      if (refused) return refused;
      if (url.searchParams.get('sendInitialEvents') === 'true') return status(400, 'BadRequest', 'sendInitialEvents is not known here');
      if (url.searchParams.get('watch') === 'true')
        return new Response(new ReadableStream({}), { headers: { 'content-type': 'application/json' } });
      const items = lists[url.pathname];
      if (!items) return status(404, 'NotFound', 'the server could not find the requested resource');
      return Response.json({ kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: '7' }, items });
    },
  });
  return { url: `http${options.tls ? 's' : ''}://127.0.0.1:${server.port}`, stop: () => server.stop(true) };
}

/** A refusal as an API server words it (meta/v1 Status). */
export function status(code: number, reason: string, message: string): Response {
  return Response.json({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code }, { status: code });
}

/** A kubeconfig with one context, `test`. */
export function kubeconfigText(cluster: Readonly<Record<string, string>>, user: Readonly<Record<string, string>> = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'one', user: 'me' } }],
    clusters: [{ name: 'one', cluster }],
    users: [{ name: 'me', user }],
  });
}
