import { realpathSync } from 'node:fs';

const SERVER = { node: 'a-node', address: '192.0.2.1', slug: '192-0-2-1' };

/** The kustomize bases of by name: what `deploy/render.sh` prints for one server, that server in a file of its own. Needs `sh` and `sed`. */
export function kustomizeBases(): Readonly<Record<string, string>> {
  const script = realpathSync(`${import.meta.dirname}/../../deploy/render.sh`);
  const done = Bun.spawnSync(['sh', script, `${SERVER.node}=${SERVER.address}`]);
  if (done.exitCode !== 0) throw new Error(`render.sh: ${done.stderr.toString()}`);
  const documents = done.stdout.toString().split(/^---\n/m);
  return {
    'deploy/kustomize/base/minilb.yaml': documents.slice(0, -1).join('---\n'),
    'deploy/kustomize/server/server.yaml': documents.at(-1)?.replaceAll(SERVER.slug, 'server') ?? '',
  };
}
