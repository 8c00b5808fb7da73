import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parse } from 'yaml';
import { freePort } from '../support/child.ts';
import { startEmbedded } from '../support/embedded.ts';
import { startMinilb } from '../support/minilb.ts';
import { programs, requires } from '../support/require.ts';

const suite = await requires('net', programs('promtool'));
const FILE = `${import.meta.dirname}/../../deploy/monitoring/alerts.yaml`;
const L = 'job="minilb", instance="a"';

/** Samples of one a minute; the alert that they raise at minute 60, with its further labels. `_x60` repeats sixty times. */
const ROWS: readonly [alert: string, series: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>][] = [
  ['MinilbGone', { 'up{job="other"}': '1x60' }, {}],
  ['MinilbNotReady', { [`minilb_ready{${L}}`]: '0x60' }, {}],
  [
    'MinilbRestarts',
    {
      [`process_start_time_seconds{${L}}`]: '1+60x60',
      [`minilb_build_info{${L}}`]: '1x60',
      'process_start_time_seconds{job="node"}': '1+60x60',
    },
    {},
  ],
  ['MinilbApiServerSilent', { [`minilb_kube_heard_age_seconds{${L},kind="Service"}`]: '0+60x60' }, { kind: 'Service' }],
  ['MinilbKindNotListed', { [`minilb_kube_synced{${L},kind="Node"}`]: '0x60' }, { kind: 'Node' }],
  ['MinilbWatchLostEvents', { [`minilb_resync_corrections_total{${L},kind="Service"}`]: '0x30 2x30' }, { kind: 'Service' }],
  [
    'MinilbStatusNotWritten',
    { [`minilb_status_writes_total{${L},result="failed"}`]: '0+1x60', [`minilb_status_writes_total{${L},result="written"}`]: '0+1x60' },
    { result: 'failed' },
  ],
  ['MinilbNobodyLeads', { [`minilb_leading{${L}}`]: '0x60', 'minilb_leading{job="minilb",instance="b"}': '0x60' }, { instance: '' }],
  ['MinilbQueriesFail', { [`minilb_dns_faults_total{${L}}`]: '0x55 1x5' }, {}],
  [
    'MinilbQueriesDropped',
    {
      [`minilb_dns_dropped_total{${L},transport="udp",reason="queue-full"}`]: '0+600x60',
      [`minilb_dns_dropped_total{${L},transport="tcp",reason="idle"}`]: '0+600x60',
    },
    { transport: 'udp', reason: 'queue-full' },
  ],
  [
    'MinilbUpstreamAway',
    {
      [`minilb_forward_upstream_usable{${L},upstream="192.0.2.1"}`]: '0x60',
      [`minilb_forward_upstream_usable{${L},upstream="192.0.2.2"}`]: '1x60',
    },
    { upstream: '192.0.2.1' },
  ],
  ['MinilbNoUpstream', { [`minilb_forward_upstream_usable{${L},upstream="192.0.2.1"}`]: '1x57 0x3' }, {}],
  ['MinilbNodeUnreachable', { [`minilb_nodes_unreachable{${L}}`]: '1x60' }, {}],
  ['MinilbRouteRefused', { [`minilb_routes_refused{${L}}`]: '1x60' }, {}],
  ['MinilbRoutesFail', { [`minilb_routes_failures_total{${L},step="batch"}`]: '0+1x60' }, { step: 'batch' }],
  ['MinilbAddressesFail', { [`minilb_l3_failures_total{${L},step="batch"}`]: '0+1x60' }, { step: 'batch' }],
  ['MinilbAddressesTakenAway', { [`minilb_l3_changes_total{${L},action="repaired"}`]: '0+1x60' }, { action: 'repaired' }],
  ['MinilbLoadBalancerPending', { [`minilb_external_load_balancers{${L},phase="PENDING"}`]: '2x60' }, { phase: 'PENDING' }],
  ['MinilbCleanupGivenUp', { [`minilb_external_cleanups_given_up_total{${L}}`]: '0x30 1x30' }, {}],
  ['MinilbProxyChangesFail', { [`minilb_updater_changes_total{${L},result="rejected"}`]: '0+1x60' }, { result: 'rejected' }],
];

/** A healthy minilb of every role: raises nothing. */
const QUIET: Readonly<Record<string, string>> = {
  [`minilb_build_info{${L}}`]: '1x60',
  [`minilb_ready{${L}}`]: '1x60',
  [`process_start_time_seconds{${L}}`]: '7x60',
  [`minilb_kube_heard_age_seconds{${L},kind="Service"}`]: '60x60',
  [`minilb_kube_synced{${L},kind="Service"}`]: '1x60',
  [`minilb_status_writes_total{${L},result="conflict"}`]: '0+1x60',
  [`minilb_leading{${L}}`]: '1x60',
  'minilb_leading{job="minilb",instance="b"}': '0x60',
  [`minilb_forward_upstream_usable{${L},upstream="192.0.2.1"}`]: '1x60',
  [`minilb_routes_refused{${L}}`]: '0x60',
  [`minilb_l3_changes_total{${L},action="added"}`]: '0+1x60',
  [`minilb_external_load_balancers{${L},phase="PENDING"}`]: '0x57 1x3',
  [`minilb_updater_changes_total{${L},result="ok"}`]: '0+1x60',
};

suite('deploy/monitoring/alerts.yaml before promtool', () => {
  const folder = mkdtempSync(`${tmpdir()}/minilb-alerts-`);
  afterAll(() => rmSync(folder, { recursive: true }));
  const promtool = async (args: readonly string[], input = '') => {
    const child = Bun.spawn(['promtool', ...args], { stdin: Buffer.from(input), stdout: 'pipe', stderr: 'pipe' });
    const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
    return { code, text: `${out}${err}` };
  };
  const rules = (
    parse(readFileSync(FILE, 'utf8')) as { groups: { rules: { alert: string; labels: object; annotations: object }[] }[] }
  ).groups.flatMap((group) => group.rules);
  const series = (given: Readonly<Record<string, string>>) => Object.entries(given).map(([name, values]) => ({ series: name, values }));

  test('it is a rule file', async () => {
    expect(await promtool(['check', 'rules', FILE])).toMatchObject({
      code: 0,
      text: expect.stringContaining(`${rules.length} rules found`),
    });
  });

  test('each alert is raised by what it is for, by nothing else here, and not by a healthy minilb', async () => {
    expect(ROWS.map(([alert]) => alert).sort()).toEqual(rules.map(({ alert }) => alert).sort());
    const tests = ROWS.map(([alert, samples, labels]) => ({
      name: alert,
      interval: '1m',
      input_series: series(samples),
      alert_rule_test: [{ alertname: alert, eval_time: '60m', exp_alerts: [{ exp_labels: expectedLabels(alert, labels) }] }],
    }));
    const healthy = rules.map(({ alert }) => ({ alertname: alert, eval_time: '60m', exp_alerts: [] }));
    const quiet = { name: 'healthy', interval: '1m', input_series: series(QUIET), alert_rule_test: healthy };
    // Its texts are not compared: exp_annotations would repeat the file.
    const bare = `${folder}/rules.json`;
    const parsed = parse(readFileSync(FILE, 'utf8')) as { groups: { name: string; rules: object[] }[] };
    writeFileSync(
      bare,
      JSON.stringify({
        groups: parsed.groups.map(({ name, rules: some }) => ({ name, rules: some.map((rule) => ({ ...rule, annotations: {} })) })),
      }),
    );
    writeFileSync(`${folder}/test.json`, JSON.stringify({ rule_files: [bare], evaluation_interval: '1m', tests: [...tests, quiet] }));
    const { code, text } = await promtool(['test', 'rules', `${folder}/test.json`]);
    expect({ code, text }).toMatchObject({ code: 0 });
  });

  function expectedLabels(alert: string, further: Readonly<Record<string, string>>) {
    const { labels } = rules.find((rule) => rule.alert === alert) ?? expect.unreachable();
    const all = { ...(alert === 'MinilbGone' ? {} : { job: 'minilb', instance: 'a' }), ...labels, ...further };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
  }

  test('what /metrics serves is Prometheus’ text format, by its own linter', async () => {
    const api = await startEmbedded();
    const health = `127.0.0.1:${await freePort()}`;
    const here = ['-listen', '127.0.0.1:0', '-health', health, '-page', '', '-lameduck', '0', '-upstream', '127.0.0.1:9'];
    const dns = startMinilb(['dns', ...here, '-kubeconfig', api.kubeconfig]);
    try {
      await dns.logged('synced');
      const metrics = await (await fetch(`http://${health}/metrics`)).text();
      expect(await promtool(['check', 'metrics'], metrics)).toEqual({ code: 0, text: '' });
    } finally {
      await dns.kill();
      await api.stop();
    }
  });
});
