import { expect, test } from 'bun:test';
import { readFileSync, realpathSync } from 'node:fs';
import { filesBelow } from '../scripts/lib/test-tiers.ts';

const ROOT = realpathSync(`${import.meta.dirname}/..`);
const installed = readFileSync(`${ROOT}/.ci/packages`, 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(/\s+/)[0] ?? '');

/** Of these the machine that runs CI must bring its own (docs: .ci/run's first lines), or the suite builds them. */
const BROUGHT = ['go', 'node', 'npm', 'npx', 'bash', 'sh'];

/** The programs that tests look for before they run: `programs('dig', 'ip')`, `Bun.which('openssl')`. */
function askedFor(): readonly string[] {
  const texts = filesBelow(ROOT, 'test')
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(`${ROOT}/${file}`, 'utf8'));
  const calls = texts.flatMap((text) => [...text.matchAll(/\b(?:programs|Bun\.which)\(([^)]*)\)/g)]);
  return calls.flatMap((call) => [...(call[1] ?? '').matchAll(/'([^']+)'/g)].map((word) => word[1] ?? ''));
}

test('CI installs every program that a test would skip without, so that none is skipped there', () => {
  expect([...new Set(askedFor())].filter((name) => !installed.includes(name) && !BROUGHT.includes(name))).toEqual([]);
});
