import { expect, test } from 'bun:test';
import { docBlocks, runBlock } from './doc-blocks.ts';

const page = [
  'Text.',
  '```sh',
  'not marked',
  '```',
  '```sh run exit=3',
  'echo one; echo two >&2',
  'exit 3',
  '```',
  'It says:',
  '```text output',
  'one',
  '…',
  '```',
  '```sh cluster',
  'kubectl get nodes',
  '```',
].join('\n');

test('only marked blocks are taken, with the line, exit code and output they promise', () => {
  const [first, second, ...rest] = docBlocks('README.md', page);
  expect(first).toMatchObject({ line: 5, mark: 'run', exitCode: 3, code: 'echo one; echo two >&2\nexit 3\n' });
  expect('one\ntwo').toMatch(first?.expected ?? /$^/);
  expect('zero\ntwo').not.toMatch(first?.expected ?? /$^/);
  expect(second).toMatchObject({ line: 14, mark: 'cluster', exitCode: 0 });
  expect(rest).toEqual([]);
});

test('a block runs from the root, stops at the first failure, and shows both streams', async () => {
  const [block] = docBlocks('README.md', page);
  if (!block) throw new Error('no block');
  expect(await runBlock(block, '/')).toEqual({ exitCode: 3, output: 'one\ntwo' });
  expect(await runBlock({ ...block, code: 'pwd\nfalse\necho not reached\n' }, '/')).toEqual({ exitCode: 1, output: '/' });
});

test('an output block without a command is a mistake in the page', () => {
  expect(() => docBlocks('README.md', '```text output\nx\n```\n')).toThrow('README.md: an output block without a command before it');
});
