import { readdirSync, readFileSync, realpathSync } from 'node:fs';

const DEPLOY = realpathSync(`${import.meta.dirname}/../../deploy`);

const SERVER = { node: 'a-node', address: '192.0.2.1', slug: '192-0-2-1' };

/** The kustomize bases of by name: what `deploy/render.sh` prints for one server, that server in a file of its own. Needs `sh` and `sed`. */
export function kustomizeBases(): Readonly<Record<string, string>> {
  const done = Bun.spawnSync(['sh', `${DEPLOY}/render.sh`, `${SERVER.node}=${SERVER.address}`]);
  if (done.exitCode !== 0) throw new Error(`render.sh: ${done.stderr.toString()}`);
  const documents = done.stdout.toString().split(/^---\n/m);
  return {
    'deploy/kustomize/base/minilb.yaml': documents.slice(0, -1).join('---\n'),
    'deploy/kustomize/server/server.yaml': documents.at(-1)?.replaceAll(SERVER.slug, 'server') ?? '',
  };
}

/** A chart can only read what lies in its own folder. */
export function chartFiles(): Readonly<Record<string, string>> {
  const crds = `${DEPLOY}/external/crds`;
  const copies = readdirSync(crds).map(
    (name) => [`deploy/helm/minilb/external-crds/${name}`, readFileSync(`${crds}/${name}`, 'utf8')] as const,
  );
  return Object.fromEntries(copies);
}
