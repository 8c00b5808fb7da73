import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import manifest from '../../package.json' with { type: 'json' };
import { run } from '../support/child.ts';
import { goModuleFolder, goModuleMissing } from '../support/go-module.ts';
import { helm, helmMissing } from '../support/helm.ts';
import { programs, requires } from '../support/require.ts';

const ROOT = resolve(`${import.meta.dirname}/../..`);
const CYCLONEDX = 'github.com/CycloneDX/cyclonedx-go@v0.9.2';
/** As the Go module cache writes capitals. */
const CYCLONEDX_CACHED = 'github.com/!cyclone!d!x/cyclonedx-go@v0.9.2';
const { version } = manifest;
const suite = await requires(
  'image',
  async () => (await programs('tar', 'sha256sum')()) ?? helmMissing() ?? goModuleMissing(CYCLONEDX_CACHED),
);

suite('npm run release, but for the images and what has to be fetched', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-release-test-'));
  const release = join(folder, 'release');
  const file = (name: string) => join(release, name);

  beforeAll(async () => {
    // Of this machine's own Bun: other targets are fetched when first used.
    const parts = `--only=${process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64'},chart,npm,sbom`;
    await run([process.execPath, 'scripts/release.ts', parts, `--outdir=${release}`, '--twice'], { cwd: ROOT });
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('every file has its checksum, as sha256sum judges; built twice, every byte was the same', async () => {
    await run(['sha256sum', '--check', '--strict', 'SHA256SUMS'], { cwd: release });
    const listed = readFileSync(file('SHA256SUMS'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split('  ')[1] ?? '');
    expect(listed).toEqual(
      readdirSync(release)
        .filter((name) => name !== 'SHA256SUMS')
        .sort(),
    );
  });

  test('the binary runs out of its archive', async () => {
    const archive = readdirSync(release).find((name) => name.includes('-linux-')) ?? '';
    await run(['tar', '-xzf', file(archive), '-C', folder]);
    expect(await run([join(folder, 'minilb'), 'version'], { cwd: '/' })).toStartWith(`minilb ${version} `);
    expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toContain('Apache License');
  });

  test('helm takes the chart', async () => {
    const rendered = await helm(['template', 'minilb', file(`minilb-chart-${version}.tgz`), '--set', 'dns.mode=none']);
    expect(rendered).toContain('kind: Deployment');
  });

  test('the list of packages is CycloneDX, by its schema, and names what is shipped and nothing else', async () => {
    const schemas = join(await goModuleFolder(CYCLONEDX), 'schema');
    const read = (name: string) => JSON.parse(readFileSync(join(schemas, name), 'utf8')) as object;
    const ajv = new Ajv({ strict: false });
    addFormats(ajv);
    for (const name of ['iri-reference', 'idn-email']) ajv.addFormat(name, true);
    for (const name of ['spdx.schema.json', 'jsf-0.82.schemax.json']) ajv.addSchema(read(name));
    const validate = ajv.compile(read('bom-1.5.schema.json'));
    const bom = JSON.parse(readFileSync(file(`minilb-${version}.cdx.json`), 'utf8')) as {
      readonly components: readonly { readonly name: string }[];
    };
    validate(bom);
    expect(validate.errors ?? []).toEqual([]);
    const names = new Set(bom.components.map((component) => component.name));
    for (const name of Object.keys(manifest.dependencies)) expect(names).toContain(name);
    for (const name of Object.keys(manifest.devDependencies)) expect(names).not.toContain(name);
    expect(validate({ ...bom, bomFormat: 'other' })).toBe(false);
  });

  describe('the npm package, installed without a network', () => {
    const project = join(folder, 'project');

    beforeAll(async () => {
      mkdirSync(project);
      cpSync(file(`minilb-npm-${version}.tgz`), join(project, 'minilb.tgz'));
      const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
        packages: Record<string, Record<string, unknown>>;
      };
      const { '': own, ...packages } = lock.packages;
      const shipped = Object.fromEntries(Object.entries(packages).filter(([, one]) => one['dev'] !== true));
      const dependencies = { minilb: 'file:minilb.tgz' };
      const minilb = { version, resolved: dependencies.minilb, dependencies: own?.['dependencies'], bin: own?.['bin'] };
      const json = (name: string, value: object) => writeFileSync(join(project, name), JSON.stringify(value));
      json('package.json', { name: 'project', private: true, dependencies });
      json('package-lock.json', {
        name: 'project',
        lockfileVersion: 3,
        packages: { '': { name: 'project', dependencies }, 'node_modules/minilb': minilb, ...shipped },
      });
      await run(['npm', 'ci', '--offline', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: project });
    }, 120_000);

    const npx = async () => run(['npx', '--offline', 'minilb', 'version'], { cwd: project });

    test('npx minilb works without install scripts', async () => expect(await npx()).toStartWith(`minilb ${version} `), 30_000);

    test('and with them', async () => {
      await run(['node', 'install.js'], { cwd: join(project, 'node_modules/bun') });
      expect(await npx()).toStartWith(`minilb ${version} `);
    }, 60_000);

    test('it holds the program, and no tests', () => {
      const inside = readdirSync(join(project, 'node_modules/minilb'), { recursive: true }).map(String);
      expect(inside.filter((name) => /\.test\.ts$|^(test|bench|deploy)\//.test(name))).toEqual([]);
      expect(existsSync(join(project, 'node_modules/minilb/src/main.ts'))).toBe(true);
    });
  });
});
