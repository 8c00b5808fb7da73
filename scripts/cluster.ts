// `npm run cluster -- up DIR` starts a real API server whose kubeconfig is DIR/admin.kubeconfig; `down DIR` ends it.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startCluster } from '../test/support/cluster.ts';
import { waitFor } from '../test/support/wait.ts';

const PIDS = 'pids.json';

async function up(folder: string): Promise<void> {
  if (existsSync(join(folder, PIDS))) throw new Error(`${folder} already holds a cluster: npm run cluster -- down ${folder}`);
  // `down` removes the folder, so it must not hold anything else.
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new Error(`${folder} is not empty: name a folder that does not exist yet`);
  const cluster = await startCluster({ detachedIn: folder });
  writeFileSync(join(folder, PIDS), JSON.stringify(cluster.pids));
  console.log(`${cluster.server} is up; try: kubectl --kubeconfig ${cluster.kubeconfig} get namespaces`);
}

async function down(folder: string): Promise<void> {
  const file = join(folder, PIDS);
  if (!existsSync(file)) throw new Error(`${folder} holds no cluster (no ${PIDS})`);
  const pids = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, number>>;
  for (const name of ['kube-controller-manager', 'kube-apiserver', 'etcd']) {
    const pid = pids[name];
    // A pid may have been given to another program since: only one that still runs from this folder is ours.
    if (pid === undefined || !runsFrom(pid, folder)) continue;
    process.kill(pid, 'SIGTERM');
    await waitFor(`${name} to end`, () => !runsFrom(pid, folder));
  }
  rmSync(folder, { recursive: true });
  console.log(`${folder} is gone`);
}

function runsFrom(pid: number, folder: string): boolean {
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) && readFileSync(file, 'utf8').includes(folder);
}

const [command, folder] = process.argv.slice(2);
if ((command !== 'up' && command !== 'down') || folder === undefined) {
  console.error('usage: npm run cluster -- up DIR | down DIR');
  process.exit(2);
}
try {
  await (command === 'up' ? up : down)(resolve(folder));
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
