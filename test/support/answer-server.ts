import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { freePort } from './child.ts';
import { type EmbeddedApi, startEmbedded } from './embedded.ts';
import { type Minilb, startMinilb } from './minilb.ts';
import { must } from './objects.ts';
import { pause } from './wait.ts';

/** One way to ask. */
export interface Path {
  readonly name: string;
  readonly host: '127.0.0.1' | '::1';
  readonly transport: 'udp' | 'tcp';
}

export const PATHS: readonly Path[] = [
  { name: 'UDP over IPv4', host: '127.0.0.1', transport: 'udp' },
  { name: 'UDP over IPv6', host: '::1', transport: 'udp' },
  { name: 'TCP over IPv4', host: '127.0.0.1', transport: 'tcp' },
  { name: 'TCP over IPv6', host: '::1', transport: 'tcp' },
];

/** The real program with one of everything that names can answer, on loopback of both families. */
export interface AnswerServer {
  readonly port: number;
  readonly api: EmbeddedApi;
  readonly minilb: Minilb;
  readonly stop: () => Promise<void>;
}

export const MANY = 40;
const NAMESPACE = 'default';
const ENTRY_HOST = 'db-0';

interface Fixture {
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly slices?: readonly (readonly object[])[];
}

const ready = (address: string, over: object = {}) => ({ addresses: [address], conditions: { ready: true, serving: true }, ...over });
const range = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => ready(`${prefix}${i + 1}`));
const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
const alias = (externalName: string) => ({ type: 'ExternalName', externalName });

const fixtures: readonly Fixture[] = [
  { name: 'web', spec: { ports }, slices: [range(2, '10.244.0.'), [ready('fd00::5')]] },
  { name: 'v4', spec: { ports }, slices: [range(1, '10.244.1.')] },
  { name: 'none', spec: { ports }, slices: [[{ addresses: ['10.244.0.9'], conditions: { ready: false, serving: false } }]] },
  { name: 'many', spec: { ports }, slices: [range(MANY, '10.244.2.')] },
  {
    name: 'db',
    spec: { clusterIP: 'None', ports },
    slices: [[...range(MANY, '10.244.3.'), ready('10.244.4.1', { hostname: ENTRY_HOST })]],
  },
  { name: 'www', spec: alias('www.example.com') },
  { name: 'alias', spec: alias('web.default.minilb') },
  { name: 'alias2', spec: alias('alias.default.minilb') },
  { name: 'dead', spec: alias('nobody.default.minilb') },
  { name: 'silent', spec: alias('none.default.minilb') },
  { name: 'loop', spec: alias('loop.default.minilb') },
];

async function create(api: EmbeddedApi, { name, spec, slices = [] }: Fixture): Promise<void> {
  const metadata = { name, namespace: NAMESPACE };
  await must(api, {
    method: 'POST',
    path: `/api/v1/namespaces/${NAMESPACE}/services`,
    body: { apiVersion: 'v1', kind: 'Service', metadata, spec },
  });
  for (const [n, endpoints] of slices.entries()) {
    const family = JSON.stringify(endpoints).includes('fd00') ? 'IPv6' : 'IPv4';
    await must(api, {
      method: 'POST',
      path: `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`,
      body: {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: `${name}-${n}`, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': name } },
        addressType: family,
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        endpoints,
      },
    });
  }
}

/** Starts it; `synced: false` starts it before an API server that is not there. */
export async function startAnswerServer({ synced = true, flags = [] as readonly string[] } = {}): Promise<AnswerServer> {
  const api = await startEmbedded();
  for (const fixture of fixtures) await create(api, fixture);
  if (!synced) await api.stopApiServer();
  const port = await freePort();
  const minilb = startMinilb([
    'dns',
    `-kubeconfig=${api.kubeconfig}`,
    `-listen=127.0.0.1:${port}`,
    `-listen=[::1]:${port}`,
    '-health=127.0.0.1:0',
    '-server-id=pod-a',
    '-nameserver=ns.dns.minilb=192.0.2.53',
    '-controller=false',
    '-lameduck=0',
    ...flags,
  ]);
  await minilb.logged('serving');
  if (synced) await minilb.logged('synced');
  const stop = async () => {
    await minilb.kill();
    await api.stop();
  };
  return { port, api, minilb, stop };
}

const REPLY_MS_MAX = 5_000;

/** Sends one message as it is and returns the reply; `undefined` when none came within `waitMs`, or the connection was closed. */
export async function exchange(path: Path, port: number, message: Uint8Array, waitMs = REPLY_MS_MAX): Promise<Buffer | undefined> {
  const asked = path.transport === 'udp' ? overUdp(path.host, port, message) : overTcp(path.host, port, message);
  try {
    return await Promise.race([asked.reply, pause(waitMs).then(() => undefined)]);
  } finally {
    asked.close();
  }
}

interface Asked {
  readonly reply: Promise<Buffer | undefined>;
  readonly close: () => void;
}

function overUdp(host: string, port: number, message: Uint8Array): Asked {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const reply = new Promise<Buffer>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('message', resolve);
    socket.send(message, port, host);
  });
  return { reply, close: () => socket.close() };
}

function overTcp(host: string, port: number, message: Uint8Array): Asked {
  const socket = connect(port, host);
  const reply = new Promise<Buffer | undefined>((resolve, reject) => {
    let received = Buffer.alloc(0);
    socket.once('error', reject);
    socket.once('close', () => resolve(undefined));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const [first] = framesOf(received);
      if (first) resolve(first);
    });
    socket.write(framed(message));
  });
  return { reply, close: () => socket.destroy() };
}

/** A message as TCP carries it (RFC 1035 §4.2.2). */
export function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(2 + message.length);
  bytes.writeUInt16BE(message.length);
  bytes.set(message, 2);
  return bytes;
}

/** The whole messages of a TCP stream so far. */
export function framesOf(stream: Buffer): readonly Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at + 2 <= stream.length && at + 2 + stream.readUInt16BE(at) <= stream.length; at += 2 + stream.readUInt16BE(at))
    frames.push(stream.subarray(at + 2, at + 2 + stream.readUInt16BE(at)));
  return frames;
}
