import { describe, expect, test } from 'bun:test';
import { readFileSync, realpathSync } from 'node:fs';
import { filesBelow } from '../../../scripts/lib/test-tiers.ts';
import { NOTICES } from '../value/notice-table.ts';
import { CATALOGUE, renderDoctorPage } from './catalogue.ts';
import { finding, shellWord } from './finding.ts';
import { hasFindings, renderDoctorReport, sortFindings } from './report.ts';

const ROOT = realpathSync(`${import.meta.dirname}/../../..`);
const plain = (_: string, text: string) => text;

describe('the report', () => {
  const findings = sortFindings([
    finding('OtherLoadBalancer', 'Pod a/b', 'MetalLB runs here.', 'Give each Service the class of one.'),
    finding('PortsDiffer', 'Service a/web', 'port 80 is 8080.', 'Make them the same:', ['kubectl one', 'kubectl two']),
    finding('ServerSilent', 'Pod a/dns', 'It is \x1b[2Jsilent.', 'Look.'),
    finding('PortsDiffer', 'Service a/web', 'port 80 is 8080.', 'Make them the same:', ['kubectl one', 'kubectl two']),
  ]);
  const report = { cluster: 'https://c (home)', pod: 'minilb/dns-1', settings: ['-ttl=5'], findings };

  test('errors first, each once, with what to paste; whatever a cluster says moves no cursor', () => {
    expect(renderDoctorReport({ ...report, notLooked: [{ what: 'Pods', why: 'forbidden' }] }, plain)).toBe(
      `Looked at https://c (home) with the settings of pod minilb/dns-1: -ttl=5

error ServerSilent Pod a/dns
  It is  [2Jsilent.
  Look.

warning PortsDiffer Service a/web
  port 80 is 8080.
  Make them the same:
    kubectl one
    kubectl two

note OtherLoadBalancer Pod a/b
  MetalLB runs here.
  Give each Service the class of one.

Not looked at:
  - Pods: forbidden

2 findings: 1 error, 1 warning, 1 note.
`,
    );
  });

  test('notes are no findings', () => {
    expect(hasFindings({ findings })).toBe(true);
    expect(hasFindings({ findings: findings.filter(({ severity }) => severity === 'note') })).toBe(false);
    expect(renderDoctorReport({ ...report, pod: '', findings: [], notLooked: [] }, plain)).toBe(
      'Looked at https://c (home) with these settings: -ttl=5\n\nNo findings.\n',
    );
  });
});

test.each([
  ['plain-1.2/x=y', 'plain-1.2/x=y'],
  ['two words', "'two words'"],
  ["it's $(x)", `'it'\\''s $(x)'`],
  ['', "''"],
])('%j as a word of a shell', (text, word) => {
  expect(shellWord(text)).toBe(word);
});

describe('the table of findings (docs/doctor.md)', () => {
  test('none is declared that nothing finds', () => {
    const found = filesBelow(ROOT, 'src/core')
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !/catalogue|notice-table/.test(file))
      .map((file) => readFileSync(`${ROOT}/${file}`, 'utf8'))
      .join('\n');
    expect(Object.keys(CATALOGUE).filter((code) => !found.includes(`'${code}'`))).toEqual([]);
  });

  test('every code has a row, one sentence for each cell, and the words of an Event of that name', () => {
    const page = renderDoctorPage();
    for (const [code, { meaning, remedy }] of Object.entries(CATALOGUE)) {
      expect(page).toContain(`| \`${code}\` |`);
      for (const text of [meaning, remedy]) expect(text).toMatch(/^[^|\n]+\.$/);
      if (Object.hasOwn(NOTICES, code)) expect(meaning).toBe(NOTICES[code as keyof typeof NOTICES].means);
    }
  });
});
