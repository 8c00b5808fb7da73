import type { ApiKind } from './kind.ts';

/** A request path that names a resource. `name` is empty for a collection, `namespace` for all namespaces. */
export interface ApiPath {
  readonly kind: ApiKind;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

/**
 * Reads `/api/v1/…` and `/apis/<group>/<version>/…`. `no-group` is a path of no group this server serves (answered with plain text), and
 * `no-resource` one inside such a group (answered with a Status).
 */
export function parseApiPath(path: string, kinds: readonly ApiKind[]): ApiPath | 'no-group' | 'no-resource' {
  const parts = path.split('/').slice(1).map(decodeURIComponent);
  const group = parts[0] === 'api' ? '' : parts[0] === 'apis' ? (parts[1] ?? '') : undefined;
  const version = parts[0] === 'api' ? parts[1] : parts[2];
  const served = kinds.filter((kind) => kind.group === group && kind.version === version);
  if (served.length === 0) return 'no-group';
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  if (rest.some((part) => part === '')) return 'no-resource';
  const namespaced = rest[0] === 'namespaces' && rest.length >= 3 && served.some((kind) => kind.plural === rest[2] && kind.namespaced);
  const [plural, name = '', subresource = '', tooMuch] = namespaced ? rest.slice(2) : rest;
  const kind = served.find((known) => known.plural === plural);
  if (!kind || tooMuch !== undefined) return 'no-resource';
  if (kind.namespaced && !namespaced && name !== '') return 'no-resource';
  if (subresource !== '' && !(subresource === 'status' && kind.statusSubresource)) return 'no-resource';
  return { kind, namespace: namespaced ? (rest[1] ?? '') : '', name, subresource };
}
