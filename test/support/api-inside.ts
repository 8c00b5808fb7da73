import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { freePort } from './child.ts';
import type { EmbeddedApi } from './embedded.ts';
import type { Netns } from './netns.ts';
import { waitFor } from './wait.ts';

/** An API server as programs in a namespace reach it. */
export interface ApiInside {
  /** A kubeconfig that works in the namespace. */
  readonly kubeconfig: string;
  readonly stop: () => void;
}

/** Hands what comes to 127.0.0.1 in `ns` over to the API server outside, through a Unix socket, which no namespace hides. */
export async function relayApi(api: EmbeddedApi, ns: Netns, folder: string): Promise<ApiInside> {
  const socket = join(folder, 'api.sock');
  const target = Number(new URL(api.server).port);
  const relay = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    client.pipe(upstream).pipe(client);
    for (const end of [client, upstream]) end.on('error', () => [client, upstream].map((each) => each.destroy()));
  });
  await new Promise<void>((resolve) => relay.listen(socket, resolve));
  const port = await freePort();
  const log = join(folder, 'relay.log');
  ns.start({ name: 'relay', log, command: [process.execPath, join(import.meta.dirname, 'api-relay.ts'), `${port}`, socket] });
  await waitFor('the relay', async () => (await Bun.file(log).text()).includes('relaying'));
  return { kubeconfig: api.kubeconfigAt(`inside-${port}`, `http://127.0.0.1:${port}`), stop: () => relay.close() };
}
