import { hostname } from 'node:os';
import { isInterfaceName } from '../../core/plan/address-batch.ts';
import { ownedAddresses } from '../../core/plan/node-addresses.ts';
import { connectedNetworks, overlapFaults, prefixFaults } from '../../core/plan/route-prefixes.ts';
import { cidrText } from '../../core/value/ip.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { createEventRecorder } from '../../shell/kube/events.ts';
import { createGuard, type Guard } from '../../shell/node/guard.ts';
import { createNodeAddresses, type NodeAddresses } from '../../shell/node/ip-addresses.ts';
import { createIpMonitor } from '../../shell/node/ip-monitor.ts';
import { createKubeProxy } from '../../shell/node/kube-proxy.ts';
import { createMemoryKeeper } from '../../shell/system/memory.ts';
import { createProcessRunner } from '../../shell/system/run-process.ts';
import { addProcessMetrics, createMetrics } from '../../shell/telemetry/metrics.ts';
import { aborted, closeAll } from '../closing.ts';
import { watchObserver } from '../kube-metrics.ts';
import { createLoop } from '../loop.ts';
import { createNoticeBoard } from '../notices.ts';
import { servePage } from '../page.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { createL3Feed, type L3Feed } from './l3-feed.ts';
import { serveHealth } from './l3-health.ts';
import { clusterPrefixFaults } from './prefix-check.ts';
import { createSweeper } from './sweeper.ts';

const SWEEP_GAP_MS = 10;
const SWEEP_PERIOD_MS = 60_000;
const RETRY_MS = 1000;
const PROXY_POLL_MS = 1000;
const PROXY_SAY_MS = 60_000;
const KNOWN_MODES = ['iptables', 'nftables', 'ipvs'];

/**
 * The agent of one node: holds the addresses of Services that have a ready pod here, until `context.signal` aborts. It reads the cluster
 * and writes Events, nothing else; an API server that is away changes nothing on the node.
 */
export async function runAgent(context: RoleContext<'l3'>, client: KubeClient): Promise<ExitCode> {
  const { settings, clock, log, random, signal } = context;
  const node = settings.nodeName || hostname();
  const run = createProcessRunner(clock);
  const addresses = createNodeAddresses(run, settings.interface);
  const guard = createGuard(run);
  const fault = await startFault(context, addresses);
  if (fault) return giveUp(context, fault);
  log.info(`using prefix ${settings.prefixes.map(cidrText).join(',')}`);
  log.info(`using interface ${settings.interface}`);

  const stop = new AbortController();
  const metrics = createMetrics();
  addProcessMetrics(metrics, context.version, clock.wall());
  const events = createEventRecorder({ client, role: 'l3', instance: node, clock, log }, stop.signal);
  let changed = () => {};
  const observer = watchObserver(metrics, clock);
  const memory = createMemoryKeeper(clock, stop.signal);
  let swept = false;
  const startedAtMs = clock.now();
  let syncedAtMs: number | undefined;
  const feed = createL3Feed(
    {
      client,
      clock,
      random,
      log,
      resyncSeconds: settings.resyncSeconds,
      observer: {
        ...observer,
        received: (kind, bytes) => {
          observer.received(kind, bytes);
          memory.filled(bytes);
        },
      },
      endpoints: true,
      changed: () => changed(),
    },
    stop.signal,
  );
  const waiting = () => [...feed.waiting(), ...(swept ? [] : ['the first sweep of addresses is not done'])];
  const health = serveHealth({ context, metrics, feed: () => feed, waiting, done: () => swept }, stop.signal);
  const closing: Promise<unknown>[] = [events.closed, feed.closed, health.closed];
  const end = async (code: ExitCode): Promise<ExitCode> => {
    stop.abort();
    if (!(await closeAll(closing, clock))) log.warn('not everything had closed in time');
    return code;
  };
  const listening = await health.ready;
  if (!listening.ok) return end(giveUp(context, listening.detail));

  await Promise.race([feed.synced, aborted(signal)]);
  if (signal.aborted) return end(0);
  const overlap = await clusterPrefixFaults(settings.prefixes, feed, client, log, signal);
  if (overlap.length > 0) return end(giveUp(context, overlap.join('; ')));
  memory.started();
  log.info('synced', { node, ...Object.fromEntries(feed.kinds().map(([kind, , objects]) => [kind, objects])) });

  const proxy = await startProxyGate(context, guard, () => changed());
  if (!proxy.ok) return end(giveUp(context, proxy.detail));
  const sweeper = createSweeper({
    context,
    node,
    feed,
    addresses,
    ...(settings.guard && { guard }),
    metrics,
    notices: createNoticeBoard(log, metrics, events),
    mayAdd: proxy.mayAdd,
  });
  let failing = false;
  let readAt = clock.now();
  const loop = createLoop(
    {
      clock,
      gapMs: SWEEP_GAP_MS,
      periodMs: SWEEP_PERIOD_MS,
      run: async (startedAt, until) => {
        if (clock.now() - readAt >= SWEEP_PERIOD_MS) {
          sweeper.forget();
          readAt = clock.now();
        }
        const result = await sweeper.sweep(startedAt, until);
        if (!result.ok && !failing && !until.aborted) log.error('the addresses of this node cannot be compared', { detail: result.detail });
        failing = !result.ok;
        if (!result.ok || result.value.unfinished) return RETRY_MS;
        if (!swept) log.info('first sweep done');
        syncedAtMs ??= clock.now();
        swept = true;
        return result.value.againMs;
      },
    },
    stop.signal,
  );
  changed = loop.changed;
  const touched = () => {
    sweeper.forget();
    loop.changed();
  };
  const monitor = createIpMonitor({ objects: ['address', 'link'], clock, log, onChange: touched }, stop.signal);
  const facts = { context, client, node, feed, startedAtMs, syncedAtMs: () => syncedAtMs, waiting, view: sweeper.view };
  const page = servePage(context, async () => (await import('./page.ts')).l3Page(facts), stop.signal);
  closing.push(loop.closed, monitor.closed, page);

  await aborted(signal);
  const code = await end(0);
  if (settings.withdrawOnExit) await withdraw(context, addresses, guard, feed, node);
  return code;
}

/** What forbids to begin at all; nothing has been changed by then. */
async function startFault({ settings, signal }: RoleContext<'l3'>, addresses: NodeAddresses): Promise<string | undefined> {
  const faults = prefixFaults(settings.prefixes);
  if (faults.length > 0) return faults.join('; ');
  if (!isInterfaceName(settings.interface)) return `-interface ${JSON.stringify(settings.interface)} is not the name of an interface`;
  const state = await addresses.read(signal);
  if (!state.ok) return `the addresses of this node cannot be read: ${state.detail}`;
  if (!state.value.interfaces.includes(settings.interface)) return `this node has no interface ${settings.interface} (-interface)`;
  const near = settings.allowOnlink ? [] : overlapFaults(settings.prefixes, connectedNetworks(state.value.addresses));
  return near[0] === undefined ? undefined : `${near.join('; ')}: every node would answer ARP for it; -allow-onlink allows it all the same`;
}

type ProxyGate = { readonly ok: true; readonly mayAdd: () => boolean } | { readonly ok: false; readonly detail: string };

/** Waits in the background until kube-proxy has been healthy once; `-guard` needs to know its mode before anything is added. */
async function startProxyGate(context: RoleContext<'l3'>, guard: Guard, opened: () => void): Promise<ProxyGate> {
  const { settings, clock, log, signal } = context;
  const proxy = createKubeProxy(clock);
  let open = !settings.proxyHealth;
  const poll = async () => {
    for (let saidAt = clock.now(); !signal.aborted && !(await proxy.healthy(signal)); await clock.after(PROXY_POLL_MS, signal)) {
      if (clock.now() - saidAt < PROXY_SAY_MS) continue;
      log.warn(
        'kube-proxy has not been healthy yet (127.0.0.1:10256/healthz): no address is added; without kube-proxy: -proxy-health=false',
      );
      saidAt = clock.now();
    }
    open = true;
    opened();
  };
  if (!settings.guard) {
    if (!open) void poll();
    const left = Bun.which('nft') ? await guard.isThere(signal) : undefined;
    if (left?.ok && left.value) await guard.remove(signal);
    return { ok: true, mayAdd: () => open };
  }
  if (!open) await poll();
  const mode = await proxy.mode(signal);
  if (signal.aborted || (mode !== undefined && KNOWN_MODES.includes(mode))) return { ok: true, mayAdd: () => open };
  return { ok: false, detail: `-guard needs to know how kube-proxy works, and 127.0.0.1:10249/proxyMode says ${mode ?? 'nothing'}` };
}

async function withdraw(context: RoleContext<'l3'>, addresses: NodeAddresses, guard: Guard, feed: L3Feed, node: string): Promise<void> {
  const { settings, log } = context;
  const never = new AbortController().signal;
  const state = await addresses.read(never);
  if (!state.ok) return log.error('the addresses cannot be taken away', { detail: state.detail });
  const untouchable = new Set(feed.nodes.get(node)?.addresses ?? []);
  const remove = ownedAddresses(state.value.addresses, {
    prefixes: settings.prefixes,
    interface: settings.interface,
    untouchable,
    adopt: false,
  });
  for (const ip of remove) log.info(`forfeiting address ${ip}`);
  const outcome = await addresses.apply({ add: [], adopt: [], remove }, never);
  const refused = outcome.ok ? outcome.value.failed : remove.length;
  if (refused > 0) log.error('some addresses were not taken away', { refused });
  const unguarded = settings.guard ? await guard.remove(never) : undefined;
  if (unguarded && !unguarded.ok) log.error('the guard was not removed', { detail: unguarded.detail });
}
