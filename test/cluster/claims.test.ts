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
import { requires } from '../support/require.ts';
import { parseScript } from '../support/script/parse-script.ts';
import { runScript, type ScriptCluster } from '../support/script/run-script.ts';

const suite = await requires('cluster', () => clusterMissing() ?? gatewayCrdsMissing());
const BOTH = join(import.meta.dirname, '../scenario/claims');
const REAL_ONLY = join(import.meta.dirname, 'claims');
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
    const scripted: ScriptCluster = { api: cluster, install, remove };
    return runScript(parseScript(readFileSync(file, 'utf8')), scripted);
  };

  test.each(readdirSync(REAL_ONLY))('%s', (file) => play(join(REAL_ONLY, file)), SCRIPT_MS_MAX);

  test('Gateway API v1.6.1, the standard channel, is installed', () => install('v1.6.1 standard'), 60_000);
  test.each(readdirSync(BOTH))('%s', (file) => play(join(BOTH, file)), SCRIPT_MS_MAX);
});
