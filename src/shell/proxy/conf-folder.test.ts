import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import type { FileChange } from '../../core/proxy/plan-change.ts';
import { lockFile } from '../system/file-lock.ts';
import { type ConfFolder, createConfFolder, openStateFolder } from './conf-folder.ts';

let root = '';
let folder = '';
let files: ConfFolder;

beforeEach(async () => {
  root = mkdtempSync(`${tmpdir()}/minilb-folder-`);
  folder = `${root}/streams.d`;
  mkdirSync(folder);
  writeFileSync(`${root}/nginx.conf`, 'main');
  writeFileSync(`${root}/mime.types`, 'mime');
  expect(await openStateFolder(folder)).toEqual({ ok: true, value: `${folder}/.minilb` });
  files = createConfFolder(folder, '.conf');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const change = (name: string, before: string | undefined, after: string | undefined): FileChange => ({
  name,
  before,
  after,
  opens: [],
  closes: [],
});
const held = () =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name.endsWith('.conf'))
      .map((name) => [name, readFileSync(`${folder}/${name}`, 'utf8')]),
  );
const state = () => readdirSync(`${folder}/.minilb`).sort();

/** A file that is changed, one that is new and one that goes. */
const changes = [change('a', 'old a', 'new a'), change('b', undefined, 'new b'), change('c', 'old c', undefined)];
const before = { 'a.conf': 'old a', 'c.conf': 'old c', 'hand.conf': 'by hand' };
const after = { 'a.conf': 'new a', 'b.conf': 'new b', 'hand.conf': 'by hand' };

function fill(): void {
  for (const [name, text] of Object.entries(before)) writeFileSync(`${folder}/${name}`, text);
}

async function writeAll(count = changes.length): Promise<void> {
  expect((await files.prepare(changes)).ok).toBe(true);
  for (const each of changes.slice(0, count)) expect((await files.write(each)).ok).toBe(true);
}

describe('the folder', () => {
  test('is read by the names that the proxy reads: no other suffix, nothing hidden, no folder', async () => {
    fill();
    writeFileSync(`${folder}/note.txt`, '');
    writeFileSync(`${folder}/.hidden.conf`, '');
    mkdirSync(`${folder}/dir.conf`);
    const read = await files.read();
    expect(read.ok && Object.fromEntries(read.value)).toEqual({ a: 'old a', c: 'old c', hand: 'by hand', dir: '' });
  });

  test('is staged with the changes made and the main file’s neighbours in place, and is itself untouched', async () => {
    fill();
    symlinkSync(`${folder}/hand.conf`, `${folder}/link.conf`);
    const staged = await files.stage(changes, `${root}/nginx.conf`, (stage) => `reads ${stage.folder}`);
    if (!staged.ok) throw new Error(staged.detail);
    const { folder: copy, mainFile } = staged.value;
    expect(readdirSync(copy).sort()).toEqual(['a.conf', 'b.conf', 'hand.conf', 'link.conf']);
    expect(readFileSync(`${copy}/a.conf`, 'utf8')).toBe('new a');
    expect(readFileSync(mainFile, 'utf8')).toBe(`reads ${copy}`);
    expect(readFileSync(`${dirname(mainFile)}/mime.types`, 'utf8')).toBe('mime');
    expect(held()).toEqual({ ...before, 'link.conf': 'by hand' });
    await files.unstage();
    expect(state()).toEqual([]);
  });

  test('a change that is committed stays, and nothing is left to undo', async () => {
    fill();
    await writeAll();
    expect((await files.commit()).ok).toBe(true);
    expect(held()).toEqual(after);
    expect(await files.restore()).toEqual({ ok: true, value: false });
    expect(held()).toEqual(after);
  });

  test.each([0, 1, 2, 3])('a change that ended after %p of its 3 writes is undone, by another process too', async (count) => {
    fill();
    await writeAll(count);
    const next = createConfFolder(folder, '.conf');
    expect(await next.restore()).toEqual({ ok: true, value: true });
    expect(held()).toEqual(before);
    expect(await next.restore()).toEqual({ ok: true, value: false });
  });

  test('an undo that was itself broken off is finished by the next', async () => {
    fill();
    await writeAll();
    // The last change was undone, the others not yet.
    writeFileSync(`${folder}/c.conf`, 'old c');
    rmSync(`${folder}/.minilb/undo/00002.file.c`);
    expect(await files.restore()).toEqual({ ok: true, value: true });
    expect(held()).toEqual(before);
  });

  test('a preparation that was broken off is not a change', async () => {
    fill();
    mkdirSync(`${folder}/.minilb/undo.new`);
    writeFileSync(`${folder}/.minilb/undo.new/00000.none.hand`, '');
    expect(await files.restore()).toEqual({ ok: true, value: false });
    expect(held()).toEqual(before);
    await writeAll();
    expect(existsSync(`${folder}/.minilb/undo.new`)).toBe(false);
  });

  test('that is not there, or is a file, is said in one line', async () => {
    expect(await openStateFolder(`${root}/nowhere`)).toMatchObject({
      ok: false,
      detail: `cannot use ${root}/nowhere (${root}/nowhere): no such file or folder`,
    });
    expect(await openStateFolder(`${root}/mime.types`)).toMatchObject({ ok: false, detail: `${root}/mime.types is not a folder` });
  });
});

describe('the lock', () => {
  test('is held by one at a time, names the holder, and comes back when it is released', async () => {
    const path = `${folder}/.minilb/lock`;
    const first = await lockFile(path);
    expect(await lockFile(path)).toEqual({ ok: false, code: 'held', detail: `held by process ${process.pid}` });
    if (first.ok) first.value.release();
    const second = await lockFile(path);
    expect(second.ok).toBe(true);
    if (second.ok) second.value.release();
  });

  test('that cannot be made is said in one line', async () => {
    expect(await lockFile(`${root}/nowhere/lock`)).toMatchObject({
      ok: false,
      code: 'io',
      detail: expect.stringContaining('nowhere/lock'),
    });
  });
});
