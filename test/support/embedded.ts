import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiKind } from '../../src/core/api-server/kind.ts';
import { type ApiState, compacted } from '../../src/core/api-server/state.ts';
import { createEmbeddedServer, type EmbeddedServer } from '../../src/shell/kube/embedded-server.ts';
import { systemClock } from '../../src/shell/system/clock.ts';
import { type ApiServer, createApi, createWatch } from './api.ts';
import { freePort } from './child.ts';
import { seededRandom } from './random.ts';

/** The embedded API server as the suites that also run against the real one want it. */
export interface EmbeddedApi extends ApiServer {
  readonly embedded: () => EmbeddedServer;
  readonly stop: () => Promise<void>;
}

/** Starts the embedded API server on a port it keeps over restarts, with a kubeconfig in a folder of its own. */
export async function startEmbedded(furtherKinds: readonly ApiKind[] = []): Promise<EmbeddedApi> {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-embedded-'));
  const port = await freePort();
  const server = `http://127.0.0.1:${port}`;
  const random = seededRandom(1);
  let kept: ApiState | undefined;
  let running: { readonly server: EmbeddedServer; readonly end: AbortController } | undefined;

  const startApiServer = async () => {
    const end = new AbortController();
    const options = { clock: systemClock, random, port, furtherKinds, ...(kept && { state: kept }) };
    const started = createEmbeddedServer(options, end.signal);
    await started.ready;
    running = { server: started, end };
  };
  const stopApiServer = async () => {
    if (!running) return;
    kept = compacted(running.server.state());
    running.end.abort();
    await running.server.closed;
    running = undefined;
  };
  await startApiServer();
  return {
    server,
    kubeconfig: plainKubeconfig(folder, 'admin', server),
    access: {},
    kubeconfigAt: (name, url) => plainKubeconfig(folder, name, url),
    request: createApi(server, {}),
    watch: createWatch(server, {}),
    embedded: () => {
      if (!running) throw new Error('the embedded API server is stopped');
      return running.server;
    },
    compact: async () => running?.server.compact(),
    startApiServer,
    stopApiServer,
    stop: async () => {
      await stopApiServer();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function plainKubeconfig(folder: string, name: string, server: string): string {
  const path = join(folder, `${name}.kubeconfig`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'minilb-embedded',
    clusters: [{ name: 'minilb-embedded', cluster: { server } }],
    users: [{ name: 'minilb-embedded', user: {} }],
    contexts: [{ name: 'minilb-embedded', context: { cluster: 'minilb-embedded', user: 'minilb-embedded' } }],
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}
