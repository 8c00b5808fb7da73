import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { findCycle, importsOf, reachableFrom } from './imports.ts';

let root = '';
beforeAll(() => {
  root = mkdtempSync(`${tmpdir()}/imports-`);
});
afterAll(() => rmSync(root, { recursive: true }));

const rows: readonly [name: string, source: string, to: readonly string[]][] = [
  ['an import', `import { a } from './a.ts';`, ['a.ts']],
  ['an import over several lines', `import {\n  a,\n  type B,\n} from '../src/a.ts';`, ['../src/a.ts']],
  ['import type', `import type { A } from './a.ts';`, ['a.ts']],
  ['export from', `export { a } from './a.ts';\nexport * from './b.ts';`, ['a.ts', 'b.ts']],
  ['an import for its effect', `import './a.ts';`, ['a.ts']],
  ['await import', `const a = await import('./a.ts');`, ['a.ts']],
  ['a type from import()', `type A = import('./a.ts').A;`, ['a.ts']],
  [
    'packages keep their names',
    `import fs from 'node:fs';\nimport x from 'prom-client/lib/counter';`,
    ['node:fs', 'prom-client/lib/counter'],
  ],
  ['comments are not code', `// import { a } from './a.ts';\n/* import './b.ts' */\nimport './c.ts'; // see './d.ts'`, ['c.ts']],
  ['an export without from is none', `export const a = 'from';\nexport function b() { return './x.ts'; }`, []],
];

describe('import lines', () => {
  test.each(rows)('%s', (_, source, to) => {
    writeFileSync(`${root}/x.ts`, source);
    expect(importsOf(root, 'x.ts').map((one) => one.to)).toEqual([...to]);
  });
});

test('a cycle is found and named', () => {
  const edges = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['b']],
  ]);
  expect(findCycle(edges)).toEqual(['b', 'c', 'b']);
  expect(
    findCycle(
      new Map([
        ['a', ['b', 'c']],
        ['b', ['c']],
        ['c', []],
      ]),
    ),
  ).toBeUndefined();
});

test('files are reached through others', () => {
  expect([
    ...reachableFrom(
      'a',
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['d', []],
      ]),
    ),
  ]).toEqual(['a', 'b', 'c']);
});
