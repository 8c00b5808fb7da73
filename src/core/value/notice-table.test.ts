import { describe, expect, test } from 'bun:test';
import { readFileSync, realpathSync } from 'node:fs';
import { filesBelow } from '../../../scripts/lib/test-tiers.ts';
import { commands } from '../../settings.ts';
import { NOTICES, type NoticeDeclaration, renderEventsPage } from './notice-table.ts';

const ROOT = realpathSync(`${import.meta.dirname}/../../..`);
const rows = Object.entries<NoticeDeclaration>(NOTICES);

describe('notices and Events', () => {
  test.each(rows)('%s is a reason, and says what it means and what to do (events.k8s.io/v1 Event.reason)', (code, row) => {
    expect(code).toMatch(/^[A-Z][A-Za-z]{1,127}$/);
    for (const text of [row.means, row.remedy]) expect(text).toMatch(/^[^|\n]+\.$/);
    expect(row.roles.filter((role) => !(role in commands))).toEqual([]);
    expect(row.roles.length).toBeGreaterThan(0);
  });

  test('none is declared that nothing says', () => {
    const said = filesBelow(ROOT, 'src')
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.endsWith('notice-table.ts'))
      .map((file) => readFileSync(`${ROOT}/${file}`, 'utf8'))
      .join('\n');
    expect(rows.map(([code]) => code).filter((code) => !said.includes(`'${code}'`))).toEqual([]);
  });

  test('the page has a row for each', () => {
    const page = renderEventsPage();
    expect(rows.filter(([code]) => !page.includes(`| \`${code}\` |`))).toEqual([]);
  });
});
