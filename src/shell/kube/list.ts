import { asArray, asObject, asString, type Meta, toMeta } from '../../core/object/raw.ts';
import type { Resource } from '../../core/object/resources.ts';
import type { Log } from '../telemetry/log.ts';
import type { ApiFailure, KubeClient } from './client.ts';

/** Small enough that a page of Nodes, which list their images, stays below the client's limit on bodies. */
const PAGE_OBJECTS = 100;
const PAGES_MAX = 10_000;
const RESTARTS_MAX = 3;

/**
 * Reads a whole collection once, page by page, for commands that look and end; a server watches with a reflector instead. Malformed
 * objects are logged and left out. A `continue` token that has expired (410) begins the list again.
 */
export async function listAll<T extends Meta>(
  client: KubeClient,
  resource: Resource<T>,
  log: Log,
  signal: AbortSignal,
): Promise<{ readonly ok: true; readonly value: readonly T[] } | ApiFailure> {
  for (let restarts = 0; ; restarts++) {
    const listed = await listPages(client, resource, log, signal);
    if (listed.ok || listed.code !== 'gone' || restarts >= RESTARTS_MAX) return listed;
  }
}

async function listPages<T extends Meta>(
  client: KubeClient,
  { path, kind, project }: Resource<T>,
  log: Log,
  signal: AbortSignal,
): Promise<{ readonly ok: true; readonly value: readonly T[] } | ApiFailure> {
  const objects: T[] = [];
  let token = '';
  for (let page = 0; page < PAGES_MAX; page++) {
    const query = { limit: String(PAGE_OBJECTS), ...(token !== '' && { continue: token }) };
    const result = await client.request({ method: 'GET', path, query }, signal);
    if (!result.ok) return result;
    for (const raw of asArray(asObject(result.value)?.['items'])) {
      const parsed = project(raw);
      if (parsed.ok) objects.push(parsed.value);
      else if (parsed.code === 'malformed') log.warn(`a malformed ${kind} is left out`, { ...nameOf(raw), detail: parsed.detail });
    }
    token = asString(asObject(asObject(result.value)?.['metadata'])?.['continue']) ?? '';
    if (token === '') return { ok: true, value: objects };
  }
  return { ok: false, code: 'server-error', status: 200, detail: `the list of ${path} does not end` };
}

function nameOf(raw: unknown) {
  const meta = toMeta(raw);
  return { namespace: meta?.namespace, name: meta?.name };
}
