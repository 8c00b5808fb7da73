import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { NOTICES } from '../src/core/value/notice-table.ts';
import { METRICS, type MetricDeclaration } from '../src/shell/telemetry/metrics-table.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

const text = readFileSync(`${import.meta.dirname}/../deploy/monitoring/alerts.yaml`, 'utf8');
const rules = (parse(text) as { readonly groups: readonly { readonly rules: readonly Rule[] }[] }).groups.flatMap((group) => group.rules);
const metrics = new Map(Object.values<MetricDeclaration>(METRICS).map((metric) => [metric.name, metric]));
/** What Prometheus itself puts on every sample. */
const OWN_LABELS = ['job', 'instance'];

describe('deploy/monitoring/alerts.yaml', () => {
  test.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s asks for metrics and labels that minilb has (docs/metrics.md)',
    (_, rule) => {
      const named = [...rule.expr.matchAll(/\b((?:minilb|process)_\w+)(?:\{([^}]*)\})?/g)];
      expect(named.length).toBeGreaterThan(0);
      for (const [, name = '', matchers = ''] of named) {
        expect([...metrics.keys()]).toContain(name);
        for (const [, label = ''] of matchers.matchAll(/(\w+)[=!]/g)) expect(metrics.get(name)?.labels).toContain(label);
      }
      const labels = [...OWN_LABELS, ...named.flatMap(([, name = '']) => metrics.get(name)?.labels ?? [])];
      const shown = [...`${rule.annotations.summary} ${rule.annotations.description}`.matchAll(/\$labels\.(\w+)/g)];
      for (const [, label = ''] of shown) expect(labels).toContain(label);
    },
  );

  test('each is named once, has a severity, and says what to do', () => {
    expect(new Set(rules.map((rule) => rule.alert)).size).toBe(rules.length);
    for (const { labels, annotations } of rules) {
      expect(['critical', 'warning']).toContain(labels.severity);
      expect(annotations.description).toMatch(/\.$|please report it\.$/);
    }
    for (const [, reason = ''] of text.matchAll(/the Event (\w+)/gi)) expect(Object.keys(NOTICES)).toContain(reason);
  });
});
