import { parseReport } from '../../core/explain/parse-report.ts';
import { renderReport } from '../../core/explain/render-report.ts';
import { keyOf } from '../../core/object/raw.ts';
import { type DnsName, parseDnsName } from '../../core/value/dns-name.ts';
import type { ExplainReport, NameReport, ReportSource } from '../../core/value/report.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { connect } from '../connect.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { findRunningPod, type RunningPod } from './running-pods.ts';
import { PLAIN, workOut } from './work-out.ts';

/** `minilb explain NAME`: 0 when the name has an answer, 1 when it has none or the cluster could not be read. */
export async function run(context: RoleContext<'explain'>): Promise<ExitCode> {
  const { settings, operands, stdout, stderr } = context;
  const usage = (text: string): ExitCode => {
    stderr(`minilb explain: ${text}\n`);
    return 2;
  };
  if (settings.output === 'annotations') return usage('-o "annotations" belongs to "minilb l3 status"; here it is text or json');
  if (operands[0] === undefined) return usage('which name? For example: minilb explain web.default.k8s.example.com');
  const name = parseDnsName(operands[0]);
  if (!name.ok) return usage(name.detail);
  const client = await connect(context, 'explain');
  if (!client.ok) return giveUp(context, client.detail);
  const report = await explain(context, client.value, name.value);
  if (!report.ok) return giveUp(context, report.detail);
  stdout(settings.output === 'json' ? `${JSON.stringify(report.value, undefined, 2)}\n` : renderReport(report.value));
  return report.value.found ? 0 : 1;
}

async function explain(context: RoleContext<'explain'>, client: KubeClient, name: DnsName): Promise<Result<ExplainReport, 'cannot-look'>> {
  const { settings, log, signal } = context;
  const cluster = `${client.server} (${client.context})`;
  const running = await findRunningPod(client, signal);
  const asked = running.ok ? await askPod(context, client, running.value, name, signal) : running;
  const found = running.ok ? running.value : undefined;
  const source = { cluster, pod: found ? keyOf(found.pod) : '', settings: found?.texts ?? ownTexts(settings) };
  if (asked.ok) return ok(withSource(asked.value, { ...source, kind: 'asked', reason: '' }));
  const report = await workOut(client, name, found?.settings ?? { ...PLAIN, ...settings }, log, signal);
  return report.ok ? ok(withSource(report.value, { ...source, kind: 'computed', reason: asked.detail })) : report;
}

function withSource(report: NameReport, source: ReportSource): ExplainReport {
  return { ...report, source };
}

function ownTexts({ domain, loadBalancerClass }: RoleContext<'explain'>['settings']): readonly string[] {
  return [`-domain=${domain}`, `-class=${loadBalancerClass}`];
}

/**
 * Asks a running Pod through the API server: by its pod proxy (`pods/proxy`), or, where `-page` is on the Pod's loopback, as is the default, by
 * `kubectl port-forward`, which is the way there.
 */
async function askPod(
  context: RoleContext<'explain'>,
  client: KubeClient,
  { pod, settings }: RunningPod,
  name: DnsName,
  signal: AbortSignal,
): Promise<Result<NameReport, 'not-asked'>> {
  const { page } = settings;
  if (page === undefined) return err('not-asked', `pod ${keyOf(pod)} has no -page`);
  const onLoopback = page.ip === '::1' || page.ip?.startsWith('127.');
  const reply = onLoopback
    ? await askLoopback(context, pod, page.port, `/api/v1/names/${name}`, signal)
    : await client.request(
        { method: 'GET', path: `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}:${page.port}/proxy/api/v1/names/${name}` },
        signal,
      );
  const way = onLoopback ? 'on its loopback interface' : 'through the API server';
  if (!reply.ok) return err('not-asked', `pod ${keyOf(pod)} could not be asked ${way}: ${reply.detail}`);
  const report = parseReport(reply.value);
  return report ? ok(report) : err('not-asked', `pod ${keyOf(pod)} answered something else than a report`);
}

async function askLoopback(
  { settings, env, clock }: RoleContext<'explain'>,
  pod: RunningPod['pod'],
  port: number,
  path: string,
  signal: AbortSignal,
): Promise<Result<unknown, string>> {
  const { getThroughKubectl } = await import('../../shell/kube/port-forward.ts');
  const { kubeconfig } = settings;
  return getThroughKubectl({ namespace: pod.namespace, pod: pod.name, port }, path, { kubeconfig, env, clock }, signal);
}
