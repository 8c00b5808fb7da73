import { describe, expect, test } from 'bun:test';
import { readFileSync, realpathSync } from 'node:fs';
import { bumpVersion, notesOf, VERSIONED } from './version-bump.ts';

const ROOT = realpathSync(`${import.meta.dirname}/../..`);
const onDisk = Object.fromEntries(VERSIONED.map((path) => [path, readFileSync(`${ROOT}/${path}`, 'utf8')]));
// Just after a release nothing stands there.
const changelog = onDisk['CHANGELOG.md']?.replace('## Unreleased\n', '## Unreleased\n\n- A change.\n') ?? '';
const files: Readonly<Record<string, string>> = { ...onDisk, 'CHANGELOG.md': changelog };
const current = (JSON.parse(files['package.json'] ?? '') as { readonly version: string }).version;
const NEXT = '987.6.5';

describe('the version is written in all places at once', () => {
  const bumped = bumpVersion(files, current, NEXT, '2026-01-31');

  test('the files of this checkout are what it expects', () => expect(bumped).toMatchObject({ ok: true }));

  test('only the version changes, and in the changelog only a heading comes', () => {
    if (!bumped.ok) throw new Error(bumped.detail);
    for (const [path, text] of Object.entries(bumped.value)) {
      const back = path === 'CHANGELOG.md' ? text.replace(`\n## ${NEXT} - 2026-01-31\n`, '') : text.replaceAll(NEXT, current);
      expect(back).toBe(files[path] ?? '');
    }
  });

  test('what was unreleased is what the release says of itself', () => {
    if (!bumped.ok) throw new Error(bumped.detail);
    const unreleased = /## Unreleased\n([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(files['CHANGELOG.md'] ?? '')?.[1];
    expect(notesOf(bumped.value['CHANGELOG.md'] ?? '', NEXT)).toBe(unreleased?.trim() ?? '');
    expect(notesOf(bumped.value['CHANGELOG.md'] ?? '', '1.1.1')).toBeUndefined();
  });

  test('a place that does not hold the version is named', () => {
    const odd = { ...files, 'deploy/helm/minilb/Chart.yaml': 'version: 3.3.3\n' };
    expect(bumpVersion(odd, current, NEXT, '')).toMatchObject({
      ok: false,
      code: 'not-found',
      detail: expect.stringContaining('Chart.yaml'),
    });
  });

  test('a changelog with nothing under Unreleased is not released', () => {
    const empty = { ...files, 'CHANGELOG.md': '# Changelog\n\n## Unreleased\n\n## 0.0.1 - 2020-01-01\n\n- a\n' };
    expect(bumpVersion(empty, current, NEXT, '')).toMatchObject({ ok: false, code: 'nothing-to-release' });
  });
});

describe('versions have an order (semver.org §11)', () => {
  const ascending = [
    '0.9.9',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.10',
  ];
  const at = (version: string) =>
    Object.fromEntries(Object.entries(files).map(([path, text]) => [path, text.replaceAll(current, version)]));
  test.each(ascending.slice(1).map((next, i) => [ascending[i] ?? '', next] as const))('%s comes before %s', (from, to) => {
    expect(bumpVersion(at(from), from, to, '')).toMatchObject({ ok: true });
    expect(bumpVersion(at(to), to, from, '')).toMatchObject({ ok: false, code: 'not-newer' });
  });

  test.each(['1.2', 'v1.2.3', '1.02.3', '1.2.3+build', '', '1.2.3-'])('%p is no version', (text) => {
    expect(bumpVersion(files, current, text, '')).toMatchObject({ ok: false, code: 'not-a-version' });
  });
});
