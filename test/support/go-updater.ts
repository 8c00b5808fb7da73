/** One call as it came. */
export interface UpdaterCall {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface GoUpdater {
  /** Every call so far, also those that were answered otherwise. */
  readonly calls: readonly UpdaterCall[];
  /** What it would have written, by backend: `8100/TCP → 10.0.0.1:30080`. */
  readonly backends: () => Readonly<Record<string, string>>;
  readonly handle: (request: Request) => Promise<Response>;
  /** Loses everything, as a load balancer that is built anew. */
  readonly wipe: () => void;
}

const PATH = '/api/v1/lb';

/**
 * Stands in for nginx-lb-updater: answers as it was seen to, text/plain by Go's sniffing, its errors word for word. GET is 405. It takes what
 * the original takes, a missing port and SCTP too.
 */
export function createGoUpdater(): GoUpdater {
  const calls: UpdaterCall[] = [];
  const backends = new Map<string, string>();

  const apply = (method: string, body: string): Response => {
    const decoded = decode(body);
    if ('fault' in decoded) return answer(400, { err: `failed to decode request: ${decoded.fault}` });
    const name = decoded.backendName.trim();
    const verb = method === 'POST' ? 'update' : 'delete';
    if (name === '') return answer(500, { err: `failed to ${verb} stream: empty backend name` });
    if (method === 'DELETE') backends.delete(name);
    else {
      const servers = decoded.upstreamServers.map(({ host, port }) => `${host}:${port}`).join(' ');
      backends.set(name, `${decoded.lbPort}/${decoded.lbProtocol.toLowerCase() === 'udp' ? 'UDP' : 'TCP'} → ${servers}`);
    }
    return answer(200, {});
  };

  return {
    calls,
    backends: () => Object.fromEntries([...backends].sort()),
    wipe: () => backends.clear(),
    handle: async (request) => {
      const body = await request.text();
      calls.push({ method: request.method, url: request.url, headers: Object.fromEntries(request.headers), body });
      if (new URL(request.url).pathname !== PATH) return new Response('404 page not found\n', { status: 404 });
      if (request.method !== 'POST' && request.method !== 'DELETE')
        return new Response(null, { status: 405, headers: { allow: 'POST, DELETE' } });
      return apply(request.method, body);
    },
  };
}

function answer(status: number, body: object): Response {
  return new Response(`${JSON.stringify(body)}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } });
}

interface Decoded {
  readonly backendName: string;
  readonly lbPort: number;
  readonly lbProtocol: string;
  readonly upstreamServers: readonly { readonly host: string; readonly port: number }[];
}

/** encoding/json into the original's struct; unknown keys are ignored. */
function decode(body: string): Decoded | { readonly fault: string } {
  if (body.trim() === '') return { fault: 'EOF' };
  let raw: Record<string, unknown>;
  try {
    raw = JSON.parse(body) as Record<string, unknown>;
  } catch {
    return { fault: `invalid character '${body.trim()[0]}' looking for beginning of value` };
  }
  for (const [key, type, go] of [
    ['backendName', 'string', 'string'],
    ['lbPort', 'number', 'int'],
    ['lbProtocol', 'string', 'string'],
    ['proxyTimeoutSeconds', 'number', 'int'],
    ['proxyConnectTimeoutSeconds', 'number', 'int'],
  ] as const)
    if (raw[key] !== undefined && raw[key] !== null && typeof raw[key] !== type)
      return { fault: `json: cannot unmarshal ${typeof raw[key]} into Go struct field UpdateRequest.${key} of type ${go}` };
  return {
    backendName: (raw['backendName'] as string | undefined) ?? '',
    lbPort: (raw['lbPort'] as number | undefined) ?? 0,
    lbProtocol: (raw['lbProtocol'] as string | undefined) ?? '',
    upstreamServers: (raw['upstreamServers'] as Decoded['upstreamServers'] | undefined) ?? [],
  };
}
