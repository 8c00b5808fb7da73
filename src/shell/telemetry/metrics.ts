import Counter from 'prom-client/lib/counter';
import Gauge from 'prom-client/lib/gauge';
import Histogram from 'prom-client/lib/histogram';
import Registry from 'prom-client/lib/registry';
import { METRICS, type MetricDeclaration } from './metrics-table.ts';

type Table = typeof METRICS;
type NamesOf<K extends MetricDeclaration['kind']> = { [N in keyof Table]: Table[N]['kind'] extends K ? N : never }[keyof Table];
export type CounterName = NamesOf<'counter'>;
export type GaugeName = NamesOf<'gauge'>;
export type HistogramName = NamesOf<'histogram'>;
export type LabelsOf<N extends keyof Table> = { readonly [L in Table[N]['labels'][number]]: string };
export type Sample<N extends keyof Table> = readonly [labels: LabelsOf<N>, value: number];

/** The process's metrics. Counting never throws for a declared metric and never waits. */
export interface Metrics {
  readonly inc: <N extends CounterName>(name: N, labels: LabelsOf<N>, by?: number) => void;
  readonly set: <N extends GaugeName>(name: N, labels: LabelsOf<N>, value: number) => void;
  readonly observe: <N extends HistogramName>(name: N, labels: LabelsOf<N>, value: number) => void;
  /** For counts kept elsewhere, such as typed arrays on the query path: read at each scrape, in place of what the metric held. */
  readonly read: <N extends CounterName | GaugeName>(name: N, samples: () => Iterable<Sample<N>>) => void;
  /** Prometheus' text format 0.0.4. */
  readonly text: () => Promise<string>;
  readonly contentType: string;
}

/** Makes a registry with every metric of the table. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const readers = new Map<string, () => Iterable<readonly [Readonly<Record<string, string>>, number]>>();
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  for (const [key, declared] of Object.entries<MetricDeclaration>(METRICS)) {
    const config = { name: declared.name, help: declared.help, labelNames: declared.labels, registers: [registry] };
    if (declared.kind === 'counter')
      counters.set(key, new Counter({ ...config, collect: () => refill(counters.get(key), readers.get(key)) }));
    else if (declared.kind === 'gauge') gauges.set(key, new Gauge({ ...config, collect: () => refill(gauges.get(key), readers.get(key)) }));
    else histograms.set(key, new Histogram({ ...config, buckets: declared.buckets ?? [] }));
  }
  return {
    inc: (name, labels, by = 1) => counters.get(name)?.inc(labels, by),
    set: (name, labels, value) => gauges.get(name)?.set(labels, value),
    observe: (name, labels, value) => histograms.get(name)?.observe(labels, value),
    read: (name, samples) => void readers.set(name, samples),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function refill(metric: Counter | Gauge | undefined, reader?: () => Iterable<readonly [Readonly<Record<string, string>>, number]>): void {
  if (!metric || !reader) return;
  metric.reset();
  for (const [labels, value] of reader()) {
    if (metric instanceof Counter) metric.inc(labels, value);
    else metric.set(labels, value);
  }
}

/**
 * Reads a flat array of counts as samples: the last axis varies fastest. Zeros are left out, so that a grid of rarely used
 * combinations costs nothing to scrape.
 *
 * `gridSamples({ transport: ['udp', 'tcp'], rcode: ['NOERROR', 'NXDOMAIN'] }, counts)`
 */
export function* gridSamples<L extends string>(
  axes: Readonly<Record<L, readonly string[]>>,
  counts: ArrayLike<number>,
): Iterable<readonly [labels: { readonly [K in L]: string }, value: number]> {
  const names = Object.keys(axes) as L[];
  for (let at = 0; at < counts.length; at++) {
    const value = counts[at] ?? 0;
    if (value === 0) continue;
    let step = counts.length;
    const labels = names.map((name) => {
      const size = axes[name].length;
      const rest = at % step;
      step = Math.floor(step / size);
      return [name, axes[name][Math.floor(rest / step)] ?? 'other'] as const;
    });
    yield [Object.fromEntries(labels) as { readonly [K in L]: string }, value];
  }
}

/** Fills in what every process shows: build, start time, memory, CPU. */
export function addProcessMetrics(metrics: Metrics, version: string, wallMs: number): void {
  metrics.set('buildInfo', { version, bun: Bun.version }, 1);
  metrics.set('startTime', {}, Math.round(wallMs - process.uptime() * 1000) / 1000);
  metrics.read('residentBytes', () => [[{}, process.memoryUsage.rss()]]);
  metrics.read('cpuSeconds', () => {
    const { user, system } = process.cpuUsage();
    return [[{}, (user + system) / 1e6]];
  });
}
