import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import type { Child } from './child.ts';
import type { Netns } from './netns.ts';

const FORWARDER = resolve(import.meta.dirname, 'unix-forwarder.ts');

/** A way from network namespaces to a server on this process's loopback: a Unix socket, which namespaces do not divide. */
export interface ApiSocket {
  /** Lets programs in a namespace reach the server on 127.0.0.1 at its own port. */
  readonly openIn: (ns: Netns) => Child;
  readonly close: () => void;
}

/** Begins to relay to `port` of 127.0.0.1; `folder` takes the socket and logs. */
export async function openApiSocket(folder: string, port: number): Promise<ApiSocket> {
  const path = join(folder, `api-${port}.sock`);
  const relay = createServer((side) => {
    const upstream = connect(port, '127.0.0.1');
    const end = () => {
      side.destroy();
      upstream.destroy();
    };
    for (const each of [side, upstream]) each.on('error', end).on('close', end);
    side.pipe(upstream).pipe(side);
  });
  await new Promise<void>((done) => relay.listen(path, done));
  return {
    openIn: (ns) =>
      ns.start({
        name: 'forwarder',
        log: join(folder, `${ns.name}-forwarder.log`),
        command: [process.execPath, FORWARDER, String(port), path],
      }),
    close: () => relay.close(),
  };
}
