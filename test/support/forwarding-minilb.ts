import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { freePort } from './child.ts';
import { ask } from './dns-client.ts';
import type { QueryOptions, ReplyText } from './dns-query.ts';
import { type FakeApi, type FakeApiOptions, kubeconfigText, startFakeApi } from './fake-api.ts';
import { type Minilb, startMinilb } from './minilb.ts';
import { waitFor } from './wait.ts';

/** A running `minilb dns` with one Service, `web.default.minilb` at 10.244.0.5, and flags of the test's own. */
export interface ForwardingMinilb {
  readonly minilb: Minilb;
  readonly port: number;
  /** Asks over UDP with RD and EDNS unless told otherwise. */
  readonly ask: (name: string, type?: string, options?: QueryOptions & { readonly transport?: 'udp' | 'tcp' }) => Promise<ReplyText>;
  /** The value of a metric's one sample, or of the one whose labels include `label`. */
  readonly metric: (name: string, label?: string) => Promise<number>;
  readonly stop: () => Promise<void>;
}

const meta = (name: string, labels: object = {}) => ({ name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', labels });
export const WEB_SERVICE = { metadata: meta('web'), spec: { type: 'ClusterIP', clusterIP: '10.0.0.1', ports: [{ port: 80 }] } };
export const WEB_SLICE = {
  metadata: meta('web-1', { 'kubernetes.io/service-name': 'web' }),
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.244.0.5'], conditions: { ready: true } }],
  ports: [],
};

export async function startForwarding(flags: readonly string[], api: FakeApiOptions = {}, port?: number): Promise<ForwardingMinilb> {
  const folder = mkdtempSync(`${tmpdir()}/minilb-forward-`);
  const kube: FakeApi = startFakeApi({ services: [WEB_SERVICE], slices: [WEB_SLICE], ...api });
  writeFileSync(`${folder}/config`, kubeconfigText({ server: kube.url }));
  const listen = port ?? (await freePort());
  const health = await freePort();
  const args = ['dns', '-kubeconfig', `${folder}/config`, '-listen', `127.0.0.1:${listen}`, '-health', `127.0.0.1:${health}`];
  const minilb = startMinilb([...args, '-lameduck', '0', ...flags]);
  await minilb.logged(api.refuse ? 'serving' : 'synced');
  await minilb.logged('serving');
  const text = async () => (await fetch(`http://127.0.0.1:${health}/metrics`)).text();
  return {
    minilb,
    port: listen,
    ask: (name, type = 'A', { transport = 'udp', ...options } = {}) =>
      ask(listen, name, type, transport, { rd: true, edns: 1232, ...options }),
    metric: async (name, label = '') => {
      const line = (await text())
        .split('\n')
        .find((each) => (each.startsWith(`${name}{`) || each.startsWith(`${name} `) ? each.includes(label) : false));
      return Number(line?.split(' ').at(-1) ?? 0);
    },
    stop: async () => {
      minilb.signal('SIGTERM');
      await waitFor('minilb to end', async () => (await Promise.race([minilb.exited, Promise.resolve(-1)])) >= 0).finally(() =>
        minilb.kill(),
      );
      await kube.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
