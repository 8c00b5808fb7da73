import { err, ok, type Result } from '../../src/core/value/result.ts';

/** Where the version stands, and between what; each must be there once. */
const PLACES: readonly (readonly [path: string, before: string, after: string])[] = [
  ['package.json', '"version": "', '"'],
  // The package's own, twice; the file is full of others'.
  ['package-lock.json', '"name": "minilb",\n  "version": "', '"'],
  ['package-lock.json', '"name": "minilb",\n      "version": "', '"'],
  ['deploy/helm/minilb/Chart.yaml', '\nversion: ', '\n'],
  ['deploy/helm/minilb/Chart.yaml', '\nappVersion: ', '\n'],
  ['deploy/kustomize/overlay/kustomization.yaml', 'newTag: ', '\n'],
  ['deploy/l3/overlay/kustomization.yaml', 'newTag: ', '\n'],
  ['deploy/external/operator.yaml', 'image: localhost/minilb:', '\n'],
  ['deploy/l3/terraform/main.tf', 'localhost/minilb-l3:', '"'],
];
const CHANGELOG = 'CHANGELOG.md';

/** The files that hold the version. */
export const VERSIONED: readonly string[] = [...new Set([...PLACES.map(([path]) => path), CHANGELOG])];

type Fault = 'not-a-version' | 'not-newer' | 'nothing-to-release' | 'not-found';

/**
 * The files with version `next` in the place of `current`, and what stood under Unreleased in the changelog under a heading of its own. `date` as
 * YYYY-MM-DD. Versions follow https://semver.org without build metadata.
 */
export function bumpVersion(
  files: Readonly<Record<string, string>>,
  current: string,
  next: string,
  date: string,
): Result<Readonly<Record<string, string>>, Fault> {
  const [from, to] = [parseVersion(current), parseVersion(next)];
  if (!from || !to) return err('not-a-version', `'${from ? next : current}' is not a version such as 1.2.3 or 1.2.3-rc.1`);
  if (compareVersions(from, to) >= 0) return err('not-newer', `${next} is not newer than ${current}`);
  const changed: Record<string, string> = { ...files };
  for (const [path, before, after] of PLACES) {
    const text = changed[path];
    if (text === undefined) return err('not-found', `${path} is missing`);
    const parts = text.split(`${before}${current}${after}`);
    if (parts.length !== 2)
      return err('not-found', `${path} should say ${before.trim()}${current} once, and does ${parts.length - 1} times`);
    changed[path] = parts.join(`${before}${next}${after}`);
  }
  const log = releaseChangelog(changed[CHANGELOG] ?? '', next, date);
  if (!log.ok) return log;
  return ok({ ...changed, [CHANGELOG]: log.value });
}

function releaseChangelog(text: string, version: string, date: string): Result<string, Fault> {
  const heading = '## Unreleased\n';
  const at = text.indexOf(heading);
  if (at < 0) return err('not-found', `${CHANGELOG} has no heading Unreleased`);
  const rest = text.slice(at + heading.length);
  const end = rest.search(/^## /m);
  if (!/^- /m.test(end < 0 ? rest : rest.slice(0, end))) return err('nothing-to-release', `${CHANGELOG} has nothing under Unreleased`);
  return ok(`${text.slice(0, at)}${heading}\n## ${version} - ${date}\n${rest}`);
}

/** What the changelog says of a version, without its heading; for the release's page. */
export function notesOf(changelog: string, version: string): string | undefined {
  const sections = changelog.split(/^## /m);
  const found = sections.find((section) => section.startsWith(`${version} - `));
  return found?.slice(found.indexOf('\n') + 1).trim();
}

interface Version {
  readonly numbers: readonly number[];
  readonly pre: readonly string[];
}

function parseVersion(text: string): Version | undefined {
  const match = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:[0-9a-z-]+)(?:\.[0-9a-z-]+)*))?$/i.exec(text);
  return match ? { numbers: match.slice(1, 4).map(Number), pre: match[4]?.split('.') ?? [] } : undefined;
}

/** By precedence (semver.org §11): negative when `a` comes before `b`. */
function compareVersions(a: Version, b: Version): number {
  for (const [i, number] of a.numbers.entries()) {
    const difference = number - (b.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return (a.pre.length === 0 ? 1 : 0) - (b.pre.length === 0 ? 1 : 0);
  for (const [i, one] of a.pre.entries()) {
    const other = b.pre[i];
    if (other === undefined) return 1;
    const difference = compareIdentifiers(one, other);
    if (difference !== 0) return difference;
  }
  return a.pre.length - b.pre.length;
}

/** Numbers before words, numbers by value, words by ASCII. */
function compareIdentifiers(a: string, b: string): number {
  const [numeric, otherNumeric] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numeric && otherNumeric) return Number(a) - Number(b);
  if (numeric !== otherNumeric) return numeric ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
