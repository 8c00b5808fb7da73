import { describe, expect, test } from 'bun:test';
import { judgeRun, summaryLine } from './junit.ts';

/** As Bun 1.4.5 writes it. */
function report(tests: number, failures: number, skipped: number, ...files: readonly string[]): string {
  const suites = files.map(
    (file) => `  <testsuite name="${file}" file="${file}" tests="1" failures="0" skipped="0" hostname="vm">\n  </testsuite>`,
  );
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites name="bun test" tests="${tests}" assertions="1" failures="${failures}" skipped="${skipped}" time="0.02">`,
    ...suites,
    '</testsuites>',
  ].join('\n');
}

describe('a test run', () => {
  test('is good when every file is reported and nothing failed', () => {
    expect(judgeRun(report(7, 0, 2, 'a.test.ts', 'b.test.ts'), 0, ['a.test.ts', 'b.test.ts'])).toEqual({
      counts: { passed: 5, failed: 0, skipped: 2 },
      faults: [],
    });
  });

  test('counts a file that threw while loading as failed: the report leaves it out', () => {
    const run = judgeRun(report(3, 0, 0, 'a.test.ts'), 1, ['a.test.ts', 'b.test.ts']);
    expect(run.counts).toEqual({ passed: 3, failed: 1, skipped: 0 });
    expect(run.faults).toEqual(['b.test.ts is not in the report: it did not load, or holds no test']);
  });

  test('fails without a report, even with exit code 0: process.exit(0) in a test', () => {
    const run = judgeRun(undefined, 0, ['a.test.ts']);
    expect(run).toEqual({ counts: { passed: 0, failed: 1, skipped: 0 }, faults: ['bun test left no report (exit code 0)'] });
  });

  test('fails when bun does, though no test failed', () => {
    expect(judgeRun(report(1, 0, 0, 'a.test.ts'), 1, ['a.test.ts']).faults).toEqual(['bun test ended with exit code 1']);
  });

  test('is empty where a tier has no files', () => expect(judgeRun(undefined, 1, []).faults).toEqual([]));
});

test('the summary is one line', () => {
  expect(summaryLine({ passed: 12, failed: 0, skipped: 3 })).toBe('12 passed, 0 failed, 3 skipped');
});
