// npm test, npm run test:system: runs a tier of tests and counts from the junit report. Arguments after `--` are files to run alone.
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { judgeRun, summaryLine } from './lib/junit.ts';
import { TIERS, type Tier, testFilesOf } from './lib/test-tiers.ts';

const ROOT = `${import.meta.dirname}/..`;
/** Suites on shared machines' resources run one after the other; a test may still set its own limit. */
const FLAGS: Readonly<Record<Tier, readonly string[]>> = {
  unit: ['--parallel=2', '--timeout=30000'],
  system: ['--parallel=1', '--isolate', '--timeout=120000'],
};

function isTier(word: string | undefined): word is Tier {
  return word !== undefined && Object.hasOwn(TIERS, word);
}

const [tier, ...only] = process.argv.slice(2);
if (!isTier(tier)) {
  console.error(`usage: scripts/test.ts ${Object.keys(TIERS).join('|')} [part of a file's path …]`);
  process.exit(2);
}

const root = realpathSync(ROOT);
const files = testFilesOf(tier, root).filter((file) => only.length === 0 || only.some((part) => file.includes(part)));
const reportPath = `${root}/test-results/${tier}.xml`;
mkdirSync(`${root}/test-results`, { recursive: true });
rmSync(reportPath, { force: true });

let exitCode = 0;
if (files.length > 0) {
  const reporter = ['--reporter=junit', `--reporter-outfile=${reportPath}`, '--only-failures'];
  const child = Bun.spawn([process.execPath, 'test', ...FLAGS[tier], ...reporter, ...files.map((file) => `./${file}`)], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  exitCode = await child.exited;
}

const run = judgeRun(existsSync(reportPath) ? readFileSync(reportPath, 'utf8') : undefined, exitCode, files);
for (const fault of run.faults) console.error(`FAULT ${fault}`);
console.log(summaryLine(run.counts));
process.exit(run.counts.failed > 0 || run.faults.length > 0 ? 1 : 0);
