import { asArray, asObject, asString, type RawObject } from '../../../src/core/object/raw.ts';
import type { ApiServer } from '../api.ts';
import { freePort } from '../child.ts';
import { ask } from '../dns-client.ts';
import { type Minilb, startMinilb } from '../minilb.ts';
import { must } from '../objects.ts';
import { pause, waitFor } from '../wait.ts';
import type { Statement } from './parse-script.ts';
import { type GatewayVersions, servedAt, toScriptObject } from './script-objects.ts';

/** What a script may ask of the cluster beyond its API. */
export interface ScriptCluster {
  readonly api: ApiServer;
  /** `install <what>` and `remove <what>`; absent where nothing can be installed. */
  readonly install?: (what: string) => Promise<void>;
  readonly remove?: (what: string) => Promise<void>;
  /** `rights <resource> …`: what minilb may list and watch from now on; returns a kubeconfig that may do that and no more. */
  readonly rights?: (resources: readonly string[]) => Promise<string>;
}

interface Running {
  readonly minilb: Minilb;
  readonly port: number;
}

/** What one answer may take to come true: an optional kind is looked for every 30 s. */
const ANSWER_MS_MAX = 45_000;
/** metadata/v1 creationTimestamp counts whole seconds. */
const NEXT_SECOND_MS = 1_100;

/**
 * Plays a script against a cluster and `minilb dns`, started by its first query or by `start` with the flags of its `settings`. Throws at the
 * first expectation that does not come true.
 */
export async function runScript(statements: readonly Statement[], cluster: ScriptCluster): Promise<void> {
  const { api } = cluster;
  let flags: readonly string[] = [];
  let versions: GatewayVersions = {};
  let { kubeconfig } = api;
  let running: Running | undefined;
  /** What is there because of this script; the next one wants a clean cluster. */
  const applied = new Set<string>();

  const start = async (): Promise<Running> => {
    if (running) return running;
    const port = await freePort();
    const minilb = startMinilb([
      'dns',
      '-kubeconfig',
      kubeconfig,
      '-listen',
      `127.0.0.1:${port}`,
      '-health',
      '127.0.0.1:0',
      '-lameduck',
      '0',
      ...flags,
    ]);
    await minilb.logged('synced');
    running = { minilb, port };
    return running;
  };

  const play = async (statement: Statement): Promise<unknown> => {
    const [verb = '', ...rest] = statement.text.split(' ');
    switch (verb) {
      case 'settings':
        flags = rest;
        return;
      case 'versions':
        versions = Object.fromEntries(rest.map((pair) => pair.split('=')));
        return;
      case 'start':
        return start();
      case 'later':
        return pause(NEXT_SECOND_MS);
      case 'apply':
        for (const object of statement.body) applied.add(await apply(api, object, versions));
        return;
      case 'delete':
        for (const object of statement.body) await remove(api, object, versions);
        return;
      case 'install':
        return cluster.install?.(rest.join(' '));
      case 'remove':
        return cluster.remove?.(rest.join(' '));
      case 'rights':
        kubeconfig = (await cluster.rights?.(rest)) ?? kubeconfig;
        return;
      case 'query':
        return query((await start()).port, rest, statement.body);
      case 'event':
        return expectEvent(api, statement);
      case 'logged':
        return (await start()).minilb.logged(rest.join(' '));
      default:
        throw new Error(`"${verb}" is nothing that a script can do`);
    }
  };

  try {
    for (const statement of statements) {
      await play(statement).catch((error: unknown) => {
        const log = running ? `\n${running.minilb.stderr()}` : '';
        throw new Error(`line ${statement.line}, ${statement.text}: ${error instanceof Error ? error.message : String(error)}${log}`);
      });
    }
  } finally {
    await running?.minilb.kill();
    for (const path of applied) if (!/^\/api\/v1\/namespaces\/[^/]+$/.test(path)) await api.request({ method: 'DELETE', path });
  }
}

/** Namespaces stay: the API server takes its time with them, and they claim nothing. */
async function apply(api: ApiServer, statement: Statement, versions: GatewayVersions): Promise<string> {
  const { path, body, status } = toScriptObject(statement, versions);
  const one = `${path}/${asString(asObject(body['metadata'])?.['name'])}`;
  await ensureNamespace(api, path);
  const existing = await api.request({ path: one });
  if (existing.status === 404) await must(api, { method: 'POST', path, body });
  else await must(api, { method: 'PUT', path: one, body: updated(asObject(existing.body) ?? {}, body) });
  if (status !== undefined) await must(api, { method: 'PATCH', path: `${one}/status`, body: { status } });
  return one;
}

/** A Service keeps what the API server has given it. */
function updated(existing: RawObject, body: RawObject): RawObject {
  const resourceVersion = asObject(existing['metadata'])?.['resourceVersion'];
  const given = asObject(existing['spec'])?.['clusterIP'] !== undefined && asObject(body['spec'])?.['type'] !== 'ExternalName';
  const spec =
    body['spec'] === undefined ? existing['spec'] : given ? { ...asObject(existing['spec']), ...asObject(body['spec']) } : body['spec'];
  return { ...body, ...(spec !== undefined && { spec }), metadata: { ...asObject(body['metadata']), resourceVersion } };
}

async function ensureNamespace(api: ApiServer, path: string): Promise<void> {
  const name = /\/namespaces\/([^/]+)\//.exec(path)?.[1];
  if (!name || (await api.request({ path: `/api/v1/namespaces/${name}` })).status !== 404) return;
  await must(api, { method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name } } });
}

/** `ingress web in team-a`; endpoints go with `endpoints web in team-a`. */
async function remove(api: ApiServer, { text }: Statement, versions: GatewayVersions): Promise<void> {
  const [, kind = '', name = '', namespace = ''] = /^(\S+) (\S+)(?: in (\S+))?$/.exec(text) ?? [];
  const { path } = servedAt(kind, namespace, versions);
  const names = kind === 'endpoints' ? [`${name}-ipv4`, `${name}-ipv6`] : [name];
  for (const each of names) {
    const reply = await api.request({ method: 'DELETE', path: `${path}/${each}` });
    if (reply.status >= 300 && kind !== 'endpoints') throw new Error(`${text}: ${reply.status}`);
  }
}

/** The answer may come later than the change: it is asked for until it is the expected one. */
async function query(port: number, [name = '', type = 'A']: readonly string[], body: readonly Statement[]): Promise<void> {
  const expected = body.map(({ text }) => text).sort();
  let seen: readonly string[] = [];
  try {
    await waitFor(
      'the answer',
      async () => {
        seen = await answerOf(port, name, type);
        return seen.join('\n') === expected.join('\n');
      },
      ANSWER_MS_MAX,
      50,
    );
  } catch {
    throw new Error(`expected ${expected.join(' | ')}, got ${seen.join(' | ')}`);
  }
}

/** Addresses as they are; other data after its type in lower case; `no data, soa minilb`, `nxdomain, soa minilb`, `refused`. */
async function answerOf(port: number, name: string, type: string): Promise<readonly string[]> {
  const reply = await ask(port, name, type, 'udp', { rd: true, edns: 1232 });
  const soa = reply.authorities[0] ? `, soa ${reply.authorities[0].split(' ')[0]}` : '';
  if (reply.answers.length === 0) return [reply.rcode === 'NOERROR' ? `no data${soa}` : `${reply.rcode.toLowerCase()}${soa}`];
  const lines = reply.answers.map((line) => {
    const [, recordType = '', ...data] = line.split(' ');
    return recordType === 'A' || recordType === 'AAAA' ? data.join(' ') : `${recordType.toLowerCase()} ${data.join(' ')}`;
  });
  return lines.sort();
}

/** `event HostConflict on Ingress team-b/web`, and below it a part of the note. */
async function expectEvent(api: ApiServer, { text, body }: Statement): Promise<void> {
  const [, reason = '', kind = '', namespace = '', name = ''] = /^event (\S+) on (\S+) ([^/\s]+)\/(\S+)$/.exec(text) ?? [];
  if (name === '') throw new Error('an event is written: event <reason> on <Kind> <namespace>/<name>');
  await waitFor(text, async () => {
    const list = await must(api, { path: `/apis/events.k8s.io/v1/namespaces/${namespace}/events` });
    return asArray(list['items']).some((item) => {
      const event = asObject(item);
      const about = asObject(event?.['regarding']);
      const note = asString(event?.['note']) ?? '';
      return (
        event?.['reason'] === reason && about?.['kind'] === kind && about['name'] === name && body.every((part) => note.includes(part.text))
      );
    });
  });
}
