import { describe, expect, test } from 'bun:test';
import { addProcessMetrics, createMetrics, gridSamples } from './metrics.ts';
import { METRICS } from './metrics-table.ts';

describe('metrics', () => {
  test('every declared metric is in the text with its help and type', async () => {
    const text = await createMetrics().text();
    for (const { name, kind, help } of Object.values(METRICS)) expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${kind}`);
  });

  test('names follow Prometheus’ rules: counters end in _total, no two are equal', () => {
    const all = Object.values(METRICS);
    for (const { name, kind } of all) expect(name.endsWith('_total')).toBe(kind === 'counter');
    expect(new Set(all.map((one) => one.name)).size).toBe(all.length);
  });

  test('counters add up by label', async () => {
    const metrics = createMetrics();
    metrics.inc('notices', { code: 'UnroutableEndpoint' });
    metrics.inc('notices', { code: 'UnroutableEndpoint' }, 2);
    metrics.inc('notices', { code: 'ClaimedByOther' });
    const text = await metrics.text();
    expect(text).toContain('minilb_notices_total{code="UnroutableEndpoint"} 3\n');
    expect(text).toContain('minilb_notices_total{code="ClaimedByOther"} 1\n');
  });

  test('counts kept elsewhere are read at each scrape, not added to', async () => {
    const metrics = createMetrics();
    const axes = { transport: ['udp', 'tcp'], family: ['ipv4'], type: ['A', 'other'], rcode: ['NOERROR', 'NXDOMAIN'] };
    const counts = new Float64Array(8);
    metrics.read('dnsQueries', () => gridSamples(axes, counts));
    counts[1] = 5;
    counts[6] = 2 ** 33;
    await metrics.text();
    const text = await metrics.text();
    expect(text).toContain('minilb_dns_queries_total{transport="udp",family="ipv4",type="A",rcode="NXDOMAIN"} 5\n');
    expect(text).toContain(`minilb_dns_queries_total{transport="tcp",family="ipv4",type="other",rcode="NOERROR"} ${2 ** 33}\n`);
    expect(text.match(/minilb_dns_queries_total\{/g)).toHaveLength(2);
  });

  test('a label value cannot break the format', async () => {
    const metrics = createMetrics();
    metrics.inc('notices', { code: 'a"\n\\b' });
    expect(await metrics.text()).toContain('minilb_notices_total{code="a\\"\\n\\\\b"} 1\n');
  });

  test('a process shows its build, memory and CPU', async () => {
    const metrics = createMetrics();
    addProcessMetrics(metrics, '1.2.3', 1_800_000_000_000);
    const text = await metrics.text();
    expect(text).toContain('minilb_build_info{version="1.2.3",bun="');
    expect(Number(/process_resident_memory_bytes (\d+)/.exec(text)?.[1])).toBeGreaterThan(1e6);
    expect(Number(/process_cpu_seconds_total ([\d.]+)/.exec(text)?.[1])).toBeGreaterThan(0);
    expect(Number(/process_start_time_seconds ([\d.]+)/.exec(text)?.[1])).toBeLessThan(1_800_000_000);
  });
});
