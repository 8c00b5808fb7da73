import { MINILB_PODS, type MinilbPod, toMinilbPod } from '../../core/object/minilb-pod.ts';
import { asArray, asObject, keyOf } from '../../core/object/raw.ts';
import { parseArguments } from '../../core/settings/parse.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import { type AllSettings, commands, settings } from '../../settings.ts';
import type { KubeClient } from '../../shell/kube/client.ts';

/** A Pod that answers DNS, and the settings it was started with. */
export interface RunningPod {
  readonly pod: MinilbPod;
  readonly settings: AllSettings;
  /** The same as flags and variables, as the Pod has them. */
  readonly texts: readonly string[];
}

/** More are not looked at. */
const PODS_MAX = 100;
/** Where the manifest puts them: whoever may not look everywhere may look there. */
export const MANIFEST_NAMESPACE = 'minilb';

/** The Pod to ask: one that answers the network before one that only writes, and a ready one before others. `err` says why there is none. */
export async function findRunningPod(client: KubeClient, signal: AbortSignal): Promise<Result<RunningPod, 'no-pod'>> {
  const found = await findRunningPods(client, signal);
  return found.ok ? first(found.value) : found;
}

/** All Pods that answer DNS, in that order. */
export async function findRunningPods(client: KubeClient, signal: AbortSignal): Promise<Result<readonly RunningPod[], 'no-pod'>> {
  const query = { labelSelector: MINILB_PODS, limit: String(PODS_MAX) };
  const everywhere = await client.request({ method: 'GET', path: '/api/v1/pods', query }, signal);
  const listed =
    everywhere.ok || everywhere.code !== 'forbidden'
      ? everywhere
      : await client.request({ method: 'GET', path: `/api/v1/namespaces/${MANIFEST_NAMESPACE}/pods`, query }, signal);
  if (!listed.ok) return err('no-pod', `Pods cannot be listed: ${listed.detail}`);
  return ok(sorted(asArray(asObject(listed.value)?.['items']).flatMap((raw) => toMinilbPod(raw) ?? [])));
}

/** The one of these Pods whose settings count. */
export function chooseRunningPod(pods: readonly MinilbPod[]): Result<RunningPod, 'no-pod'> {
  return first(sorted(pods));
}

function sorted(pods: readonly MinilbPod[]): readonly RunningPod[] {
  return pods.flatMap((pod) => withSettings(pod) ?? []).sort((a, b) => rank(a) - rank(b) || (keyOf(a.pod) < keyOf(b.pod) ? -1 : 1));
}

function first([pod]: readonly RunningPod[]): Result<RunningPod, 'no-pod'> {
  return pod ? ok(pod) : err('no-pod', `no Pod with the label ${MINILB_PODS} runs minilb dns`);
}

function rank({ pod }: RunningPod): number {
  return (pod.component === 'writer' ? 2 : 0) + (pod.ready ? 0 : 1);
}

/** Reads the Pod's command line as minilb itself does; `undefined` for other roles and for one that this version does not understand. */
export function withSettings(pod: MinilbPod): RunningPod | undefined {
  const parsed = parseArguments(pod.words, pod.env, settings, commands, 'dns');
  if (!parsed.ok || parsed.value.command !== 'dns') return undefined;
  const flags = pod.words[0] === 'dns' ? pod.words.slice(1) : pod.words;
  const variables = Object.entries(pod.env).flatMap(([name, value]) => (name.startsWith('MINILB_') ? [`${name}=${value}`] : []));
  return { pod, settings: parsed.value.values, texts: [...flags, ...variables] };
}
