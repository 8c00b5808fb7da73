import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import type { ApiServer } from './api.ts';
import { freePort } from './child.ts';
import { keepAsking, type Lookup, type Transport, type Watched } from './dns-client.ts';
import { startLyingProxy } from './lying-proxy.ts';
import { type Minilb, startMinilb } from './minilb.ts';
import { createNamespace, createNode, createPod, createService, deletePod, deleteService, must, setPodReady } from './objects.ts';
import { startTcpProxy } from './tcp-proxy.ts';
import { pause, waitFor } from './wait.ts';

export interface MainJobOptions {
  readonly start: () => Promise<ApiServer & { readonly stop: () => Promise<void> }>;
  readonly lookup: Lookup;
  /** HTTP status of each PATCH of this namespace's Service `web/status` so far, where there is an audit log. */
  readonly statusPatches?: (namespace: string) => readonly number[];
  /** Also what takes minutes: a silent watch found by its missing bookmarks alone. */
  readonly slow: boolean;
}

interface Running {
  readonly minilb: Minilb;
  readonly port: number;
  readonly health: string;
}

const START_MS_MAX = 300_000;
/** A test that times out makes Bun kill every child process, the API server among them: what one waits for fails long before. */
const TEST_MS_MAX = 120_000;
/** After an outage the next attempt may be a whole backoff (30 s) away. */
const ANSWER_MS_MAX = 60_000;
/** Two bookmarks missed (150 s), then the reconnection. */
const SILENCE_MS_MAX = 240_000;

/** The main job end to end, with the real program as a child process: the same suite before both API servers. */
export function mainJob(options: MainJobOptions): void {
  setDefaultTimeout(TEST_MS_MAX);
  let started: (ApiServer & { readonly stop: () => Promise<void> }) | undefined;
  const api = () => {
    if (!started) throw new Error('the API server did not start');
    return started;
  };
  const programs: Minilb[] = [];

  const run = async (kubeconfig: string, ...flags: readonly string[]): Promise<Running> => {
    const [port, health] = [await freePort(), await freePort()];
    const args = [
      'dns',
      '-kubeconfig',
      kubeconfig,
      '-listen',
      `127.0.0.1:${port}`,
      '-health',
      `127.0.0.1:${health}`,
      '-lameduck',
      '0',
      ...flags,
    ];
    const minilb = startMinilb(args);
    programs.push(minilb);
    const url = `http://127.0.0.1:${health}`;
    await waitFor('minilb to be ready', async () => (await fetch(`${url}/readyz`)).ok).catch((error: unknown) => {
      throw new Error(`${String(error)}; it says: ${minilb.stderr()}`);
    });
    return { minilb, port, health: url };
  };

  beforeAll(async () => {
    started = await options.start();
    await createNode(api(), { name: 'n1', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.10'] });
    await createNode(api(), { name: 'n2', podCidrs: ['10.244.1.0/24'], internalIps: ['192.168.1.11'] });
  }, START_MS_MAX);
  afterEach(async () => {
    await Promise.all(programs.splice(0).map((minilb) => minilb.kill()));
  });
  afterAll(async () => {
    await started?.stop();
  }, START_MS_MAX);

  const pod = (namespace: string, n: 1 | 2 | 3) => ({
    namespace,
    name: `web-${n}`,
    app: 'web',
    node: n === 2 ? 'n2' : 'n1',
    ips: [`10.244.${n === 2 ? 1 : 0}.${n}`],
  });
  const ip = (n: 1 | 2 | 3) => pod('', n).ips[0] ?? '';
  const ready = async (namespace: string, ...numbers: readonly (1 | 2 | 3)[]) => {
    for (const n of numbers) {
      await createPod(api(), pod(namespace, n));
      await setPodReady(api(), pod(namespace, n), true);
    }
  };
  /** A namespace of its own with a Service `web` and these Pods ready. */
  const service = async (namespace: string, ...numbers: readonly (1 | 2 | 3)[]): Promise<string> => {
    await createNamespace(api(), namespace);
    await createService(api(), { namespace, name: 'web' });
    await ready(namespace, ...numbers);
    return `web.${namespace}.minilb`;
  };
  /** Waits until both transports say so. */
  const answers = async (at: Running, name: string, ...wanted: readonly string[]) => {
    for (const transport of ['udp', 'tcp'] as const) await answersOver(at, name, transport, wanted);
  };
  const answersOver = (at: Running, name: string, transport: Transport, wanted: readonly string[]) =>
    waitFor(
      `${name} over ${transport} to be [${wanted.join(' ')}]`,
      async () => {
        const seen = await options.lookup(at.port, name, 'A', transport);
        const got = seen.rcode === 'NOERROR' ? seen.data.join(' ') : seen.rcode;
        if (got !== wanted.join(' ')) throw new Error(`[${got}]; minilb’s log ends with\n${at.minilb.stderr().slice(-2000)}`);
        return true;
      },
      ANSWER_MS_MAX,
    );
  const hostnames = async (namespace: string): Promise<readonly string[]> => {
    const held = await must(api(), { path: `/api/v1/namespaces/${namespace}/services/web` });
    const ingress = asObject(asObject(held['status'])?.['loadBalancer'])?.['ingress'];
    return asArray(ingress).map((point) => asString(asObject(point)?.['hostname']) ?? '');
  };
  const allRight = (watched: Watched) => {
    expect(watched.wrong).toEqual([]);
    // So that the watch cannot have slept; how many there are is a matter of the machine.
    expect(watched.count).toBeGreaterThan(5);
  };

  describe('a Service’s name resolves to its ready pods', () => {
    test('Pods created, made ready, made unready and deleted with grace: UDP and TCP see each change (EndpointConditions)', async () => {
      const name = await service('life');
      const at = await run(api().kubeconfig);
      await answers(at, name);
      await createPod(api(), pod('life', 1));
      await answers(at, name);
      await setPodReady(api(), pod('life', 1), true);
      await answers(at, name, ip(1));
      await ready('life', 2);
      await answers(at, name, ip(1), ip(2));
      await setPodReady(api(), pod('life', 1), false);
      await answers(at, name, ip(2));
      await setPodReady(api(), pod('life', 1), true);
      await answers(at, name, ip(1), ip(2));
      await deletePod(api(), pod('life', 1), 60);
      await answers(at, name, ip(2));
      await setPodReady(api(), pod('life', 2), false);
      await answers(at, name, ip(1));
      await deletePod(api(), pod('life', 1), 0);
      await answers(at, name);
      await setPodReady(api(), pod('life', 2), true);
      await answers(at, name, ip(2));
    });

    test('the Service shows its hostname; deleting it ends the name', async () => {
      const name = await service('status', 1);
      const at = await run(api().kubeconfig);
      await answers(at, name, ip(1));
      await waitFor('the hostname in the status', async () => (await hostnames('status')).join() === name);
      await deleteService(api(), 'status', 'web');
      await answers(at, name, 'NXDOMAIN');
    });

    test('a Service of another class resolves, but its status is left alone', async () => {
      await createNamespace(api(), 'other');
      await createService(api(), { namespace: 'other', name: 'web', spec: { loadBalancerClass: 'example.com/other' } });
      await ready('other', 1);
      const ours = await service('ours', 1);
      const at = await run(api().kubeconfig);
      await answers(at, 'web.other.minilb', ip(1));
      await answers(at, ours, ip(1));
      await waitFor('our status', async () => (await hostnames('ours')).length === 1);
      expect(await hostnames('other')).toEqual([]);
    });

    test('two replicas write the status once (the watch shows one change)', async () => {
      const name = await service('twice', 1);
      const query = {
        fieldSelector: 'metadata.name=web',
        sendInitialEvents: 'true',
        resourceVersionMatch: 'NotOlderThan',
        allowWatchBookmarks: 'true',
      };
      const watch = await api().watch({ path: '/api/v1/namespaces/twice/services', query });
      const [one, two] = await Promise.all([run(api().kubeconfig), run(api().kubeconfig)]);
      await waitFor('the hostname', async () => (await hostnames('twice')).join() === name);
      await Promise.all([answers(one, name, ip(1)), answers(two, name, ip(1))]);
      // A second write would follow the first at once: give it the time of several.
      await pause(2_000);
      const changes = watch.events.filter((event) => event.type === 'MODIFIED');
      await watch.close();
      expect(changes.length).toBe(1);
      if (options.statusPatches) expect(options.statusPatches('twice').filter((code) => code === 200)).toEqual([200]);
    });

    test('-controller=false answers and writes nothing', async () => {
      const name = await service('reader', 1);
      const at = await run(api().kubeconfig, '-controller=false');
      await answers(at, name, ip(1));
      await pause(1_000);
      expect(await hostnames('reader')).toEqual([]);
    });

    test('SIGTERM ends it with 0', async () => {
      const at = await run(api().kubeconfig);
      at.minilb.signal('SIGTERM');
      expect(await at.minilb.exited).toBe(0);
    });
  });

  describe('an outage is never an empty cluster', () => {
    test('the API server restarts during queries: no answer is lost, none empty, and changes flow again', async () => {
      const name = await service('outage', 1, 2);
      const both = `${ip(1)} ${ip(2)}`;
      const at = await run(api().kubeconfig);
      await answers(at, name, ip(1), ip(2));
      const asking = keepAsking(at.port, name, [both]);
      await api().stopApiServer();
      await pause(2_000);
      await api().startApiServer();
      await pause(1_000);
      allRight(await asking.stop());
      await setPodReady(api(), pod('outage', 1), false);
      await answers(at, name, ip(2));
    });

    test('a lost watch window (410): the change is seen after a new list, and in between the old answer stands', async () => {
      const name = await service('gone', 1, 2);
      const proxy = await startTcpProxy(Number(new URL(api().server).port));
      try {
        const at = await run(api().kubeconfigAt('gone', proxyUrl(api().server, proxy.port)));
        await answers(at, name, ip(1), ip(2));
        const asking = keepAsking(at.port, name, [`${ip(1)} ${ip(2)}`, ip(2)]);
        proxy.refuse();
        await setPodReady(api(), pod('gone', 1), false);
        await waitForSlice('gone', 1);
        await api().compact();
        await api().stopApiServer();
        await api().startApiServer();
        await pause(500);
        proxy.accept();
        await answers(at, name, ip(2));
        await waitFor('the stream of queries to see it', () => asking.latest() === ip(2));
        const watched = await asking.stop();
        allRight(watched);
        expect(watched.seen).toEqual([`${ip(1)} ${ip(2)}`, ip(2)]);
      } finally {
        await proxy.stop();
      }
    });

    /** Until the controller has taken the number of ready endpoints down to this. */
    const waitForSlice = (namespace: string, count: number) =>
      waitFor(`${count} ready endpoints in ${namespace}`, async () => {
        const list = await must(api(), { path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices` });
        return JSON.stringify(list['items']).split('"ready":true').length - 1 === count;
      });

    const silent = async (namespace: string, waitMs: number, ...flags: readonly string[]) => {
      const name = await service(namespace, 1, 2);
      const proxy = await startTcpProxy(Number(new URL(api().server).port));
      try {
        const at = await run(api().kubeconfigAt(namespace, proxyUrl(api().server, proxy.port)), ...flags);
        await answers(at, name, ip(1), ip(2));
        const asking = keepAsking(at.port, name, [`${ip(1)} ${ip(2)}`, ip(2)]);
        proxy.silence();
        await setPodReady(api(), pod(namespace, 1), false);
        const healed = async () => (await options.lookup(at.port, name, 'A', 'udp')).data.join(' ') === ip(2);
        await waitFor('the change to be seen in spite of the silence', healed, waitMs);
        allRight(await asking.stop());
      } finally {
        await proxy.stop();
      }
    };

    test('a silent connection: -resync looks past it, and no answer is wrong meanwhile', () => silent('silent', 90_000, '-resync', '2'));

    if (options.slow) {
      const slow = () => silent('bookmarks', SILENCE_MS_MAX, '-resync', '86400');
      test('a silent connection that no re-list looks past: two bookmarks missed, and it connects again', slow, SILENCE_MS_MAX + 60_000);
    }

    test('a watch that lies is healed by -resync, counted, and never gives a wrong answer (lf-edge/eve#6113)', async () => {
      const name = await service('lies', 1, 2);
      const proxy = await startLyingProxy(api().server, api().access);
      try {
        const at = await run(api().kubeconfigAt('lies', proxy.url), '-resync', '3');
        await answers(at, name, ip(1), ip(2));
        const asking = keepAsking(at.port, name, [`${ip(1)} ${ip(2)}`, ip(2)]);
        proxy.lie(/"kind":"EndpointSlice"/);
        await setPodReady(api(), pod('lies', 1), false);
        await waitFor('the proxy to keep the change to itself', () => proxy.withheld() > 0);
        await answers(at, name, ip(2));
        allRight(await asking.stop());
        // The running watch gets its time to show what the list showed: only then is it known to have lied.
        const counted = async () => corrections(await (await fetch(`${at.health}/metrics`)).text()) > 0;
        await waitFor('minilb_resync_corrections_total to count it', counted);
      } finally {
        await proxy.stop();
      }
    });
  });
}

function corrections(metrics: string): number {
  const lines = metrics.split('\n').filter((line) => line.startsWith('minilb_resync_corrections_total'));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

function proxyUrl(server: string, port: number): string {
  const url = new URL(server);
  return `${url.protocol}//127.0.0.1:${port}`;
}
