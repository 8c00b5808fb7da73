import { afterAll, beforeAll, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import {
  type GatewayChannel,
  type GatewayRelease,
  gatewayCrds,
  gatewayCrdsMissing,
  installCrds,
  removeCrds,
} from '../support/gateway-crds.ts';
import { must } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { parseScript } from '../support/script/parse-script.ts';
import { runScript, type ScriptCluster } from '../support/script/run-script.ts';

const suite = await requires('cluster', () => clusterMissing() ?? gatewayCrdsMissing());
const BOTH = join(import.meta.dirname, '../scenario/claims');
const REAL_ONLY = join(import.meta.dirname, 'claims');
const INSTALLED = join(import.meta.dirname, 'claims-installed');
const SCRIPT_MS_MAX = 300_000;

suite('who has which name, before a real API server with the real CRDs', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ controllers: false });
  }, 300_000);
  afterAll(() => cluster?.stop(), 60_000);

  const install = async (what: string) => {
    const [release, channel] = what.split(' ') as [GatewayRelease, GatewayChannel];
    await installCrds(cluster, await gatewayCrds(release, channel));
  };
  const remove = () => removeCrds(cluster);
  const play = (file: string) => {
    const scripted: ScriptCluster = { api: cluster, install, remove, rights: (resources) => grant(cluster, resources) };
    return runScript(parseScript(readFileSync(file, 'utf8')), scripted);
  };

  test.each(readdirSync(REAL_ONLY))('%s', (file) => play(join(REAL_ONLY, file)), SCRIPT_MS_MAX);

  test('Gateway API v1.6.1, the standard channel, is installed', () => install('v1.6.1 standard'), 60_000);
  test.each(readdirSync(INSTALLED))('%s', (file) => play(join(INSTALLED, file)), SCRIPT_MS_MAX);
  test.each(readdirSync(BOTH))('%s', (file) => play(join(BOTH, file)), SCRIPT_MS_MAX);
});

/** Lets the user `nobody` list and watch these resources, whatever group they are in, and nothing else. */
async function grant(cluster: Cluster, resources: readonly string[]): Promise<string> {
  const role = { metadata: { name: 'scripted' }, rules: [{ apiGroups: ['*'], resources, verbs: ['list', 'watch'] }] };
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const known = await cluster.request({ path: `${rbac}/clusterroles/scripted` });
  if (known.status !== 404) {
    await must(cluster, { method: 'PATCH', path: `${rbac}/clusterroles/scripted`, body: { rules: role.rules } });
    return cluster.kubeconfigFor('scripted', cluster.tokens.nobody);
  }
  await must(cluster, { method: 'POST', path: `${rbac}/clusterroles`, body: role });
  const subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'nobody' }];
  const roleRef = { kind: 'ClusterRole', apiGroup: 'rbac.authorization.k8s.io', name: 'scripted' };
  await must(cluster, { method: 'POST', path: `${rbac}/clusterrolebindings`, body: { metadata: { name: 'scripted' }, subjects, roleRef } });
  return cluster.kubeconfigFor('scripted', cluster.tokens.nobody);
}
