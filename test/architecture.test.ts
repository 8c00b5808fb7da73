import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { allTestFiles, filesBelow, type Tier, testFilesOf } from '../scripts/lib/test-tiers.ts';
import { commands, settings } from '../src/settings.ts';
import { findCycle, type Import, importsOf, reachableFrom } from './support/imports.ts';

const ROOT = realpathSync(`${import.meta.dirname}/..`);
const typescript = ['src', 'test', 'scripts', 'bench'].flatMap((folder) => filesBelow(ROOT, folder)).filter((file) => file.endsWith('.ts'));
const sources = typescript.filter((file) => file.startsWith('src/') && !file.endsWith('.test.ts') && !file.endsWith('.d.ts'));
const imports: readonly Import[] = sources.flatMap((file) => importsOf(ROOT, file));
const edges = new Map(
  sources.map((file) => [file, imports.filter((one) => one.from === file && sources.includes(one.to)).map((one) => one.to)]),
);

/** `src/core/value/ip.ts` → `core`; files right below src are their own layer. */
const layerOf = (file: string) => file.split('/')[1] ?? '';
const roomOf = (file: string) => (file.split('/').length > 3 ? (file.split('/')[2] ?? '') : '');

const LAYER_MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: ['core'],
  shell: ['shell', 'core'],
  roles: ['roles', 'shell', 'core', 'settings.ts'],
  'settings.ts': ['core'],
  'main.ts': ['roles', 'shell', 'core', 'settings.ts'],
};

/**
 * value ← object, wire, informer ← claim ← zone ← plan, explain ← router ← doctor: a room sees only rooms of a lower number. Watch events
 * wrap objects, so informer comes after object.
 */
const CORE_ORDER: Readonly<Record<string, number>> = {
  value: 0,
  object: 1,
  wire: 1,
  settings: 1,
  reachability: 1,
  informer: 2,
  kubeconfig: 2,
  claim: 3,
  zone: 4,
  forward: 5,
  plan: 5,
  explain: 5,
  doctor: 7,
  proxy: 5,
  'api-server': 5,
  router: 6,
  page: 7,
};

const SHARED_SHELL_ROOMS = ['system', 'telemetry'];

function offenders(wrong: (one: Import) => boolean): readonly string[] {
  return imports.filter(wrong).map((one) => `${one.from} → ${one.to}`);
}

describe('layers (docs/ARCHITECTURE.md)', () => {
  test('roles import shell and core, shell imports core, core imports core', () => {
    expect(
      offenders((one) => one.relative && sources.includes(one.to) && !LAYER_MAY_IMPORT[layerOf(one.from)]?.includes(layerOf(one.to))),
    ).toEqual([]);
  });

  test('every relative import leads to a source file; only main.ts reads package.json, and page-files.ts what the browser gets', () => {
    const isText = ({ from, to }: Import) =>
      (from === 'src/main.ts' && to === 'package.json') ||
      (from === 'src/shell/page/page-files.ts' && /^src\/shell\/page\/browser\/\w+\.(html|css|js|svg)$/.test(to));
    expect(offenders((one) => one.relative && !sources.includes(one.to) && !isText(one))).toEqual([]);
  });

  test('core imports no package and nothing of Node or Bun', () => {
    expect(offenders((one) => layerOf(one.from) === 'core' && !one.relative)).toEqual([]);
  });

  test('rooms of core: each has its place, and imports only rooms before it', () => {
    const rooms = new Set(sources.filter((file) => layerOf(file) === 'core').map(roomOf));
    expect([...rooms].filter((room) => CORE_ORDER[room] === undefined)).toEqual([]);
    const order = (file: string) => CORE_ORDER[roomOf(file)] ?? Number.NaN;
    const inCore = (one: Import) => layerOf(one.from) === 'core' && layerOf(one.to) === 'core';
    expect(offenders((one) => inCore(one) && roomOf(one.from) !== roomOf(one.to) && !(order(one.to) < order(one.from)))).toEqual([]);
  });

  test('rooms of shell import no other room but system and telemetry', () => {
    const allowed = (one: Import) => roomOf(one.from) === roomOf(one.to) || SHARED_SHELL_ROOMS.includes(roomOf(one.to));
    expect(offenders((one) => layerOf(one.from) === 'shell' && layerOf(one.to) === 'shell' && !allowed(one))).toEqual([]);
    expect(offenders((one) => one.from.startsWith('src/shell/system/') && one.to.startsWith('src/shell/telemetry/'))).toEqual([]);
  });

  test('no file imports itself by way of others', () => {
    expect(findCycle(edges)).toBeUndefined();
  });
});

describe('memory: what a role does not need is not loaded', () => {
  test('main.ts loads roles only by await import', () => {
    const wrong = (one: Import) =>
      one.from === 'src/main.ts' && layerOf(one.to) === 'roles' && one.to !== 'src/roles/role.ts' && !one.dynamic;
    expect(offenders(wrong)).toEqual([]);
  });

  test('prom-client is imported in one file, and only the parts that are needed (the whole package costs 9 MB more)', () => {
    const parts = imports.filter((one) => one.to.startsWith('prom-client'));
    expect(parts.filter((one) => one.from !== 'src/shell/telemetry/metrics.ts' || !one.to.startsWith('prom-client/lib/'))).toEqual([]);
  });

  test('yaml is loaded only where a file is to be read', () => {
    expect(offenders((one) => one.to === 'yaml' && !one.dynamic)).toEqual([]);
  });
});

describe('nothing idle', () => {
  /** Until all of these exist, parts that they will use may be reached by their own tests alone. */
  const planned = ['dns', 'l3', 'external', 'updater', 'routes', 'cleanup', 'explain', 'doctor', 'demo'];
  const complete = planned.every((name) => Object.hasOwn(commands, name));

  test('every source file is reached from main.ts', () => {
    const tests = complete ? [] : typescript.filter((file) => file.endsWith('.test.ts') || file.startsWith('test/'));
    const roots = ['src/main.ts', ...tests.flatMap((file) => importsOf(ROOT, file).map((one) => one.to))];
    const reached = new Set(roots.flatMap((root) => [...reachableFrom(root, edges)]));
    expect(sources.filter((file) => !reached.has(file))).toEqual([]);
  });

  test('a flag that is not implemented does not exist: every setting of a command is read by a role or by main.ts', () => {
    const readers = sources
      .filter((file) => layerOf(file) === 'roles' || file === 'src/main.ts')
      .map((file) => readFileSync(`${ROOT}/${file}`, 'utf8'));
    const offered = Object.entries(settings).filter(([, one]) => one.roles.some((role) => Object.hasOwn(commands, role)));
    const unread = offered.filter(([property]) => !readers.some((text) => new RegExp(`\\b${property}\\b`).test(text)));
    expect(unread.map(([property]) => property)).toEqual([]);
  });
});

describe('files', () => {
  const lines = (file: string) => readFileSync(`${ROOT}/${file}`, 'utf8').split('\n').length - 1;
  const isTest = (file: string) => file.endsWith('.test.ts') || file.startsWith('test/');

  test('a source file has at most 300 lines, a test file 500', () => {
    expect(typescript.filter((file) => lines(file) > (isTest(file) ? 500 : 300)).map((file) => `${file}: ${lines(file)}`)).toEqual([]);
  });

  test('no index.ts', () => {
    expect(typescript.filter((file) => file.endsWith('/index.ts'))).toEqual([]);
  });

  test('every test file belongs to one tier', () => {
    const tiers: readonly Tier[] = ['unit', 'system'];
    const listed = tiers.flatMap((tier) => testFilesOf(tier, ROOT));
    expect([...listed].sort()).toEqual([...allTestFiles(ROOT)].sort());
  });

  test('nothing tells where it was written: no path of one machine', () => {
    const places = [
      ['', 'work', ''],
      ['', 'tmp', 'wt'],
      ['', 'root', ''],
      ['..', 'shared'],
    ].map((parts) => parts.join('/'));
    const folders = ['src', 'test', 'scripts', 'bench', 'docs', 'deploy', '.ci', '.github'].flatMap((folder) => filesBelow(ROOT, folder));
    const top = readdirSync(ROOT).filter((name) => /\.(md|json)$|^Dockerfile$|^\.[a-z]+ignore$/.test(name));
    const texts = [...folders, ...top].filter((file) => !/\.(png|ico|tgz)$|^package-lock\.json$/.test(file));
    const wrong = texts.filter((file) =>
      places.some((place) =>
        new RegExp(`(^|[\\s"'\`(=:])${place.replaceAll('.', '\\.')}`, 'm').test(readFileSync(`${ROOT}/${file}`, 'utf8')),
      ),
    );
    expect(wrong).toEqual([]);
  });
});
