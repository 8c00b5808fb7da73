// npm run docs: writes the pages that come from declarations. With --check it only says which are not up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { generatedPages } from './lib/generated-pages.ts';

const ROOT = `${import.meta.dirname}/..`;

function read(path: string): string {
  try {
    return readFileSync(`${ROOT}/${path}`, 'utf8');
  } catch {
    return '';
  }
}

const stale = Object.entries(generatedPages()).filter(([path, text]) => read(path) !== text);
if (process.argv.includes('--check')) {
  for (const [path] of stale) console.error(`${path} is not up to date: npm run docs`);
  process.exit(stale.length === 0 ? 0 : 1);
}
for (const [path, text] of stale) {
  writeFileSync(`${ROOT}/${path}`, text);
  console.log(`wrote ${path}`);
}
