import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { generatedPages } from '../scripts/lib/generated-pages.ts';
import { filesBelow } from '../scripts/lib/test-tiers.ts';
import { docBlocks, runBlock } from './support/doc-blocks.ts';

const ROOT = realpathSync(`${import.meta.dirname}/..`);
const pages = ['README.md', 'CONTRIBUTING.md', ...filesBelow(ROOT, 'docs'), ...filesBelow(ROOT, 'deploy')].filter(
  (file) => file.endsWith('.md') && existsSync(`${ROOT}/${file}`),
);
const blocks = pages.flatMap((page) => docBlocks(page, readFileSync(`${ROOT}/${page}`, 'utf8')));

describe('pages that come from declarations are up to date (npm run docs)', () => {
  test.each(Object.entries(generatedPages()))('%s', (path, text) => {
    expect(readFileSync(`${ROOT}/${path}`, 'utf8')).toBe(text);
  });
});

describe('commands in the documentation do what it says', () => {
  for (const block of blocks.filter((one) => one.mark === 'run')) {
    test(`${block.page}:${block.line}`, async () => {
      const result = await runBlock(block, ROOT);
      expect(result.exitCode, result.output).toBe(block.exitCode);
      if (block.expected !== undefined) expect(result.output).toMatch(block.expected);
    });
  }
});

test('links between the pages lead somewhere', () => {
  const broken = pages.flatMap((page) => {
    const text = readFileSync(`${ROOT}/${page}`, 'utf8').replace(/^```[\s\S]*?^```/gm, '');
    const links = [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '');
    return links.filter((link) => !existsSync(new URL(link, `file://${ROOT}/${page}`))).map((link) => `${page}: ${link}`);
  });
  expect(broken).toEqual([]);
});
