export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface TestRun {
  readonly counts: Counts;
  /** Why the run does not count as good although no test failed; empty when it does. */
  readonly faults: readonly string[];
}

/**
 * Judges a run of `bun test` by its junit report. A file that throws while it loads is missing from the report, and
 * `process.exit(0)` in a test ends a run with exit code 0 and no report: so the report's files must be the files on disk.
 */
export function judgeRun(report: string | undefined, exitCode: number, files: readonly string[]): TestRun {
  if (files.length === 0) return { counts: { passed: 0, failed: 0, skipped: 0 }, faults: [] };
  const head = /<testsuites\b[^>]*>/.exec(report ?? '')?.[0];
  if (report === undefined || head === undefined) {
    return { counts: { passed: 0, failed: files.length, skipped: 0 }, faults: [`bun test left no report (exit code ${exitCode})`] };
  }
  const reported = new Set([...report.matchAll(/<testsuite [^>]*\bfile="([^"]*)"/g)].map((match) => match[1]?.replace(/^\.\//, '')));
  const missing = files.filter((file) => !reported.has(file));
  const faults = missing.map((file) => `${file} is not in the report: it did not load, or holds no test`);
  const [tests, failures, skipped] = [numberOf(head, 'tests'), numberOf(head, 'failures'), numberOf(head, 'skipped')];
  const failed = failures + missing.length;
  if (exitCode !== 0 && failed === 0) faults.push(`bun test ended with exit code ${exitCode}`);
  return { counts: { passed: tests - failures - skipped, failed, skipped }, faults };
}

/** The last line of a run, which CI reads. */
export function summaryLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

function numberOf(tag: string, attribute: string): number {
  const value = new RegExp(`\\b${attribute}="(\\d+)"`).exec(tag)?.[1];
  if (value === undefined) throw new Error(`the junit report has no ${attribute}: ${tag}`);
  return Number(value);
}
