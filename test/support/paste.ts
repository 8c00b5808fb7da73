import { asArray, asObject } from '../../src/core/object/raw.ts';
import type { ApiServer } from './api.ts';
import { must } from './objects.ts';

// What a user pastes, for the tier that has no kubectl: the few forms of it that doctor prints, and nothing else.

const COLLECTIONS: Readonly<Record<string, string>> = { service: 'services', ingress: 'ingresses', node: 'nodes', httproute: 'httproutes' };
const ROOTS: Readonly<Record<string, string>> = {
  ingresses: '/apis/networking.k8s.io/v1',
  httproutes: '/apis/gateway.networking.k8s.io/v1',
};

/** Does what `kubectl patch|annotate|label …` would; throws for anything else, and where the API server refuses. */
export async function pasteKubectl(api: Pick<ApiServer, 'request'>, line: string): Promise<void> {
  const [program, ...words] = splitWords(line);
  if (program !== 'kubectl') throw new Error(`not kubectl: ${line}`);
  const namespace = words[0] === '-n' ? words[1] : undefined;
  const [verb, kind = '', name, ...rest] = namespace === undefined ? words : words.slice(2);
  const plural = COLLECTIONS[kind] ?? kind;
  const path = `${ROOTS[plural] ?? '/api/v1'}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${plural}/${name}`;
  const flags = rest.filter((word) => word !== '--overwrite');
  if (verb === 'annotate' || verb === 'label') {
    const values = Object.fromEntries(
      flags.map((word) => (word.endsWith('-') && !word.includes('=') ? [word.slice(0, -1), null] : pair(word))),
    );
    await must(api, { method: 'PATCH', path, body: { metadata: { [verb === 'label' ? 'labels' : 'annotations']: values } } });
    return;
  }
  const body = JSON.parse(flags[flags.indexOf('-p') + 1] ?? '') as unknown;
  const status = flags.includes('--subresource=status') ? '/status' : '';
  if (verb !== 'patch') throw new Error(`no form of kubectl that is known here: ${line}`);
  if (!flags.includes('--type=json')) {
    // A strategic merge is a plain one where no list of objects is in it.
    await must(api, { method: 'PATCH', path: `${path}${status}`, body });
    return;
  }
  const object = await must(api, { path });
  for (const step of asArray(body)) applyStep(object, asObject(step) ?? {});
  await must(api, { method: 'PUT', path, body: object });
}

function pair(word: string): readonly [string, string] {
  const at = word.indexOf('=');
  if (at < 0) throw new Error(`neither key=value nor key-: ${word}`);
  return [word.slice(0, at), word.slice(at + 1)];
}

/** `replace`, `add` and `remove` of RFC 6902 on members of objects and elements of arrays. */
function applyStep(object: unknown, step: Readonly<Record<string, unknown>>): void {
  const parts = String(step['path']).split('/').slice(1);
  const last = parts.pop() ?? '';
  let parent = object as Record<string, unknown>;
  for (const part of parts) parent = parent[part] as Record<string, unknown>;
  if (step['op'] === 'remove') delete parent[last];
  else parent[last] = step['value'];
}

/** Words of a POSIX shell: plain, and 'single-quoted' with '\'' inside. */
export function splitWords(line: string): readonly string[] {
  return [...line.matchAll(/(?:[^\s'\\]|'[^']*'|\\.)+/g)].map(([word]) => word.replaceAll(/'([^']*)'|\\(.)/g, '$1$2'));
}
