import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asArray, asObject } from '../../src/core/object/raw.ts';
import { asset, assetsMissing } from './assets.ts';
import { run } from './child.ts';
import { type ManifestObject, manifestObjects } from './manifest.ts';

const ROOT = realpathSync(`${import.meta.dirname}/../..`);
export const CHART = `${ROOT}/deploy/helm/minilb`;

/** A probe for `requires`. */
export function helmMissing(): string | undefined {
  return assetsMissing(['helm']);
}

/** Runs helm to its end, with nothing of the user's own, and returns its stdout; throws with its stderr. */
export async function helm(
  args: readonly string[],
  options: { readonly input?: string; readonly kubeconfig?: string } = {},
): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'minilb-helm-'));
  const env = { HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home, KUBECONFIG: options.kubeconfig ?? '/nonexistent' };
  try {
    return await run([await asset('helm'), ...args], { env, ...(options.input !== undefined && { input: options.input }) });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** `helm template` of the chart as release `minilb`; what it calls hooks is left out. */
export function renderChart(values: object, namespace = 'minilb'): Promise<string> {
  const args = ['template', 'minilb', CHART, '--namespace', namespace, '--no-hooks', '--values', '-'];
  return helm(args, { input: JSON.stringify(values) });
}

/** `helm lint --strict`. */
export function lintChart(values: object): Promise<string> {
  return helm(['lint', '--strict', CHART, '--values', '-'], { input: JSON.stringify(values) });
}

/** Labels and annotations that only a chart's objects bear. */
const CHART_ONLY = [
  'app.kubernetes.io/instance',
  'app.kubernetes.io/managed-by',
  'helm.sh/chart',
  'helm.sh/resource-policy',
  'checksum/settings',
];

/** The chart's objects as a plain manifest would write them: without release, chart and checksum. */
export function withoutChartMarks(yaml: string): readonly ManifestObject[] {
  return manifestObjects(yaml).map((object) => asObject(stripped(object)) ?? {});
}

function stripped(value: unknown): unknown {
  if (Array.isArray(value)) return asArray(value).map(stripped);
  const object = asObject(value);
  if (!object) return value;
  const kept = Object.entries(object).filter(([name]) => !CHART_ONLY.includes(name));
  const inside = kept.map(([name, each]) => [name, stripped(each)] as const);
  return Object.fromEntries(inside.filter(([name, each]) => name !== 'annotations' || Object.keys(asObject(each) ?? {}).length > 0));
}
