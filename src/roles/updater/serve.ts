import type { Change } from '../../core/proxy/plan-change.ts';
import { type UpstreamRules, upstreamFault } from '../../core/proxy/upstream-rules.ts';
import { type Ip, parseIp } from '../../core/value/ip.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import { createChangeQueue } from '../../shell/proxy/change-queue.ts';
import { openStateFolder } from '../../shell/proxy/conf-folder.ts';
import { findMainFault, type ProxyHost, recover } from '../../shell/proxy/go-live.ts';
import { hostFamilies } from '../../shell/proxy/program.ts';
import { resolveName } from '../../shell/proxy/resolve-name.ts';
import { loadTls, type TlsMaterial } from '../../shell/proxy/tls-files.ts';
import { openTokenFile, type TokenFile } from '../../shell/proxy/token-file.ts';
import { createUpdaterServer } from '../../shell/proxy/updater-server.ts';
import type { Clock } from '../../shell/system/clock.ts';
import { lockFile } from '../../shell/system/file-lock.ts';
import { createBurstKeeper, createMemoryKeeper } from '../../shell/system/memory.ts';
import { addProcessMetrics, createMetrics } from '../../shell/telemetry/metrics.ts';
import { aborted, closeAll } from '../closing.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { readBackends } from './list.ts';
import { createProxyHost } from './proxy-host.ts';

/**
 * Serves the API until `context.signal` aborts. What a person must put right ends it with one line: no include, no folder, another updater
 * on it. What may pass (the proxy does not run, its program is missing) is answered to each caller and shown by /healthz.
 */
export async function serveUpdater(context: RoleContext<'updater'>): Promise<ExitCode> {
  const { settings, clock, log, signal } = context;
  const tls = loadTls({ certFile: settings.tlsCert, keyFile: settings.tlsKey, clientCaFile: settings.tlsClientCa });
  if (!tls.ok) return giveUp(context, tls.detail);
  const tokens = settings.tokenFile === '' ? undefined : openTokenFile(settings.tokenFile, clock, log);
  if (tokens && !tokens.ok) return giveUp(context, tokens.detail);
  const host = createProxyHost(context);
  const opened = await openFolder(host);
  if (!opened.ok) return giveUp(context, opened.detail);
  const authenticated = tokens !== undefined || tls.value?.clientCa !== undefined;
  warnIfOpen(context, authenticated, tls.value, tokens?.value);

  const stop = new AbortController();
  const metrics = createMetrics();
  addProcessMetrics(metrics, context.version, clock.wall());
  const queue = createChangeQueue(
    {
      host,
      rules: { allowPorts: settings.allowPorts, apiPort: settings.apiPort },
      families: await hostFamilies(),
      applied: (code, calls, seconds) => {
        metrics.inc('updaterChanges', { result: code });
        metrics.observe('updaterChangeSeconds', {}, seconds);
        if (code === 'ok') log.info('the proxy took the configuration', { calls, seconds: Math.round(seconds * 1000) / 1000 });
      },
    },
    stop.signal,
  );
  metrics.read('updaterWaiting', () => [[{}, queue.waiting()]]);
  metrics.read('ready', () => [[{}, queue.fault() === undefined ? 1 : 0]]);
  const callDone = createBurstKeeper(clock, stop.signal);
  const upstreamRules = { allowUpstreams: settings.allowUpstreams, authenticated };
  const server = createUpdaterServer(
    {
      host: settings.apiHost,
      port: settings.apiPort,
      tls: tls.value,
      tokens: tokens?.value,
      defaults: { timeoutSeconds: settings.proxyTimeoutSeconds, connectTimeoutSeconds: settings.proxyConnectTimeoutSeconds },
      check: (change) => checkUpstreams(change, upstreamRules, clock),
      submit: (change, caller, callSignal) => queue.submit(change, caller, callSignal).finally(callDone),
      list: () => readBackends(host),
      fault: queue.fault,
      metrics,
      clock,
      log,
      version: context.version,
    },
    stop.signal,
  );
  const listening = await server.ready;
  const end = async (code: ExitCode): Promise<ExitCode> => {
    stop.abort();
    if (!(await closeAll([queue.closed, server.closed], clock))) log.warn('not everything had closed in time');
    opened.value.release();
    return code;
  };
  if (!listening.ok) return end(giveUp(context, listening.detail));
  createMemoryKeeper(clock, stop.signal).started();
  log.info('serving', { port: listening.value.port, proxy: host.adapter.name, folder: host.folders[0] ?? '' });
  await aborted(signal);
  log.info('stopping');
  return end(0);
}

/** Locks the folder, brings it back to its last good state, and looks whether the proxy reads it. */
async function openFolder(host: ProxyHost): Promise<Result<{ readonly release: () => void }>> {
  const state = await openStateFolder(host.folders[0] ?? '');
  if (!state.ok) return state;
  const lock = await lockFile(`${state.value}/lock`);
  if (!lock.ok && lock.code === 'held') return err('locked', `another updater works on ${host.folders[0]} (${lock.detail})`);
  if (!lock.ok) return lock;
  const fault = await findMainFault(host);
  const recovered = fault.ok ? await recover(host) : fault;
  if (recovered.ok) return lock;
  lock.value.release();
  return recovered;
}

function warnIfOpen(
  { settings, log }: RoleContext<'updater'>,
  authenticated: boolean,
  tls: TlsMaterial | undefined,
  tokens?: TokenFile,
): void {
  const local = ['localhost', '127.0.0.1', '::1'].includes(settings.apiHost);
  if (local) return;
  if (!authenticated) log.warn('anybody who can connect may change the proxy: set -token-file or -tls-client-ca, or HOST=127.0.0.1');
  else if (tokens && !tls) log.warn('tokens cross the network unencrypted: set -tls-cert and -tls-key');
}

/** Addresses are judged as they are, names by all addresses they have now. */
async function checkUpstreams(change: Change, rules: UpstreamRules, clock: Clock): Promise<Result<void, 'refused'>> {
  if (change.kind === 'delete') return ok(undefined);
  const open = rules.authenticated && rules.allowUpstreams.length === 0;
  for (const host of new Set(change.backend.upstreams.map((upstream) => upstream.host))) {
    const ip = parseIp(host);
    if (!ip && open) continue;
    const addresses = ip ? ok<readonly Ip[]>([ip]) : await resolveName(host, clock);
    if (!addresses.ok) return err('refused', addresses.detail);
    for (const address of addresses.value) {
      const fault = upstreamFault(address, rules);
      if (fault) return err('refused', ip ? fault : `${fault} (which is ${host})`);
    }
  }
  return ok(undefined);
}
