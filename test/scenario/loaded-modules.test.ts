import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type FakeApi, kubeconfigText, startFakeApi } from '../support/fake-api.ts';
import { runMinilb, startMinilb } from '../support/minilb.ts';

const ROOT = realpathSync(`${import.meta.dirname}/../..`);
const preload = `${import.meta.dirname}/../support/list-modules.ts`;
let folder = '';
let api: FakeApi;

beforeAll(() => {
  folder = mkdtempSync(`${tmpdir()}/minilb-modules-`);
  api = startFakeApi();
});
afterAll(async () => {
  await api.stop();
  rmSync(folder, { recursive: true });
});

/** What the process had loaded when it ended, as `src/…` and `node_modules/…`. */
function loaded(): readonly string[] {
  const paths = readFileSync(`${folder}/loaded`, 'utf8').split('\n');
  return paths
    .map((path) => path.replace(/^.*(?=\/node_modules\/)/, ROOT))
    .flatMap((path) => (path.startsWith(`${ROOT}/`) ? path.slice(ROOT.length + 1) : []));
}

describe('memory is won by what is not imported (docs/decisions/0004)', () => {
  test('minilb dns loads of other people’s code four files of prom-client and, for its kubeconfig, yaml', async () => {
    writeFileSync(`${folder}/config`, kubeconfigText({ server: api.url }));
    const args = ['dns', '-kubeconfig', `${folder}/config`, '-listen', '127.0.0.1:0', '-health', '127.0.0.1:0', '-lameduck', '0'];
    const minilb = startMinilb(args, { preload, env: { LOADED_MODULES: `${folder}/loaded` } });
    await minilb.logged('synced');
    minilb.signal('SIGTERM');
    expect(await minilb.exited).toBe(0);
    const packages = loaded().filter((path) => path.startsWith('node_modules/'));
    expect(packages.filter((path) => !path.startsWith('node_modules/yaml/')).sort()).toEqual(
      ['counter', 'exemplar', 'gauge', 'histogram', 'metric', 'registry', 'util', 'validation'].map(
        (name) => `node_modules/prom-client/lib/${name}.js`,
      ),
    );
    const roles = loaded().filter((path) => path.startsWith('src/roles/') || path.startsWith('src/core/api-server/'));
    expect(roles.filter((path) => /routes\.ts$|cleanup|demo|help|version|api-server/.test(path))).toEqual([]);
    // The status page's server waits; what it shows is loaded when somebody looks.
    expect(
      loaded()
        .filter((path) => /^src\/(core\/(page|explain)\/|shell\/page|roles\/dns\/page)/.test(path))
        .sort(),
    ).toEqual(['src/core/explain/claimants.ts', 'src/core/page/listing.ts', 'src/shell/page/page-server.ts']);
  });

  test('minilb version loads no package, no shell but clock and log, and no other role', async () => {
    await runMinilb(['version'], { preload, env: { LOADED_MODULES: `${folder}/loaded` } });
    const rest = loaded().filter((path) => !path.startsWith('src/core/settings/') && !path.startsWith('src/core/value/'));
    expect(rest.filter((path) => path.startsWith('src/')).sort()).toEqual([
      'src/main.ts',
      'src/roles/version.ts',
      'src/settings.ts',
      'src/shell/system/clock.ts',
      'src/shell/telemetry/log.ts',
    ]);
    expect(rest.filter((path) => path.startsWith('node_modules/'))).toEqual([]);
  });
});
