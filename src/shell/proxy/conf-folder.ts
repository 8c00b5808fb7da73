import { constants } from 'node:fs';
import { copyFile, link, lstat, mkdir, open, readdir, readFile, rename, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FileChange } from '../../core/proxy/plan-change.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import { errorCode, tryIo } from '../system/io.ts';

/** More files than any proxy is meant to have; a folder with more is somebody else's. */
const FILES_MAX = 20_000;
/** A larger file is not one of ours; it is not read, and stays as it is. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;
const AT_ONCE = 16;
/** Below the folder, under a name that neither proxy reads: what is being prepared, and the lock. */
export const STATE_FOLDER = '.minilb';

export interface Stage {
  readonly folder: string;
  readonly mainFile: string;
  readonly pidFile: string;
}

/** The folder that the proxy includes. Nothing in it is ever written in place. */
export interface ConfFolder {
  /** Texts by name without the suffix. */
  readonly read: () => Promise<Result<ReadonlyMap<string, string>, 'io'>>;
  /** A copy of the folder with the changes made, and of the main configuration's folder with `mainText` in the main file's place. */
  readonly stage: (changes: readonly FileChange[], mainFile: string, mainText: (stage: Stage) => string) => Promise<Result<Stage, 'io'>>;
  readonly unstage: () => Promise<void>;
  /** Writes what is to come and what was beside the folder, so that writing and undoing need no more space. */
  readonly prepare: (changes: readonly FileChange[]) => Promise<Result<void, 'io'>>;
  /** One atomic step: rename or unlink. */
  readonly write: (change: FileChange) => Promise<Result<void, 'io'>>;
  readonly sync: () => Promise<Result<void, 'io'>>;
  /** Forgets what was: the changes stay. */
  readonly commit: () => Promise<Result<void, 'io'>>;
  /** Brings back what was, in reverse order; says whether there was anything. Works after a crash at any point. */
  readonly restore: () => Promise<Result<boolean, 'io'>>;
}

/** Opens the folder; nothing is touched yet. */
export function createConfFolder(folder: string, suffix: string): ConfFolder {
  const state = join(folder, STATE_FOLDER);
  const undo = join(state, 'undo');
  const next = join(state, 'next');
  const liveFile = (name: string) => join(folder, `${name}${suffix}`);
  const nextFile = (name: string) => join(next, `${name}${suffix}`);

  const stageChanges = async (changes: readonly FileChange[], mainFile: string, mainText: (stage: Stage) => string): Promise<Stage> => {
    const root = join(state, 'stage');
    await rm(root, { recursive: true, force: true });
    const conf = join(root, 'conf');
    await mkdir(conf, { recursive: true });
    const stage = { folder: join(root, 'folder'), mainFile: join(conf, basename(mainFile)), pidFile: join(root, 'pid') };
    await mkdir(stage.folder);
    const changed = new Map(changes.map((change) => [`${change.name}${suffix}`, change.after]));
    const names = await confNames(folder, suffix);
    await inGroups(
      names.filter((name) => !changed.has(name)),
      (name) => copy(join(folder, name), join(stage.folder, name)),
    );
    for (const [name, text] of changed) if (text !== undefined) await writeFile(join(stage.folder, name), text);
    // Relative names in the main file are relative to its folder, so the copy gets neighbours of the same names.
    for (const name of await readdir(dirname(mainFile)))
      if (name !== basename(mainFile)) await symlink(join(dirname(mainFile), name), join(conf, name));
    await writeFile(stage.mainFile, mainText(stage));
    return stage;
  };

  const prepareChanges = async (changes: readonly FileChange[]) => {
    const fresh = join(state, 'undo.new');
    for (const path of [fresh, next, join(state, 'undo.old')]) await rm(path, { recursive: true, force: true });
    await mkdir(fresh);
    await mkdir(next);
    await inGroups(changes, async ({ name, after }) => {
      if (after !== undefined) await writeDurably(nextFile(name), after);
    });
    for (const [i, { name, before }] of changes.entries()) {
      // Restored from the last to the first, so that no two files have one port at any time.
      const place = join(fresh, `${String(i).padStart(5, '0')}.${before === undefined ? 'none' : 'file'}.${name}`);
      await writeDurably(place, before ?? '');
    }
    await syncFolder(fresh);
    await rename(fresh, undo);
    await syncFolder(state);
  };

  const restoreAll = async (): Promise<boolean> => {
    const places = await readdir(undo).catch((error: unknown) => (errorCode(error) === 'ENOENT' ? undefined : Promise.reject(error)));
    if (!places) return false;
    for (const place of places.sort().reverse()) {
      const [, kind, name = ''] = /^\d+\.(none|file)\.(.+)$/.exec(place) ?? [];
      if (kind === 'file') await rename(join(undo, place), liveFile(name));
      else if (kind === 'none') {
        await rm(liveFile(name), { force: true });
        await unlink(join(undo, place));
      }
    }
    await syncFolder(folder);
    await rm(undo, { recursive: true, force: true });
    return true;
  };

  return {
    read: () => tryIo(`read ${folder}`, () => readAll(folder, suffix)),
    stage: (changes, mainFile, mainText) => tryIo('stage a copy of the configuration', () => stageChanges(changes, mainFile, mainText)),
    unstage: () => rm(join(state, 'stage'), { recursive: true, force: true }).catch(() => {}),
    prepare: (changes) => tryIo('prepare the change', () => prepareChanges(changes)),
    write: ({ name, after }) =>
      tryIo(`write ${liveFile(name)}`, () =>
        after === undefined ? rm(liveFile(name), { force: true }) : rename(nextFile(name), liveFile(name)),
      ),
    sync: () => tryIo(`write ${folder}`, () => syncFolder(folder)),
    commit: () =>
      tryIo('end the change', async () => {
        await rename(undo, join(state, 'undo.old'));
        await rm(join(state, 'undo.old'), { recursive: true, force: true });
      }),
    restore: () => tryIo('roll the change back', restoreAll),
  };
}

/** Makes the folder's own state folder; says in one line why it cannot be used. */
export async function openStateFolder(folder: string): Promise<Result<string, 'io'>> {
  const found = await tryIo(`use ${folder}`, () => stat(folder));
  if (!found.ok) return found;
  if (!found.value.isDirectory()) return err('io', `${folder} is not a folder`);
  const state = join(folder, STATE_FOLDER);
  const made = await tryIo(`make ${state}`, () => mkdir(state, { mode: 0o700, recursive: true }));
  return made.ok ? ok(state) : made;
}

async function confNames(folder: string, suffix: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(suffix) && !name.startsWith('.'));
  if (names.length > FILES_MAX) throw Object.assign(new Error('too many files'), { code: 'EFBIG', path: folder });
  return names.sort();
}

async function readAll(folder: string, suffix: string): Promise<ReadonlyMap<string, string>> {
  const names = await confNames(folder, suffix);
  const texts = new Map<string, string>();
  await inGroups(names, async (name) => {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    const readable = found?.isFile() === true && found.size <= FILE_BYTES_MAX;
    texts.set(name.slice(0, -suffix.length), readable ? await readFile(path, 'utf8') : '');
  });
  return new Map(names.map((name) => [name.slice(0, -suffix.length), texts.get(name.slice(0, -suffix.length)) ?? '']));
}

/** A hard link costs nothing; where none can be made, a copy. Nobody writes into either. */
async function copy(from: string, to: string): Promise<void> {
  const found = await lstat(from);
  if (found.isFile()) {
    try {
      return await link(from, to);
    } catch (error) {
      if (!['EXDEV', 'EPERM', 'EMLINK', 'EOPNOTSUPP', 'ENOTSUP'].includes(errorCode(error))) throw error;
    }
  }
  // What is neither a file nor a link to one must be seen by the test as it is.
  const target = await stat(from).catch(() => undefined);
  if (target?.isFile()) await copyFile(from, to, constants.COPYFILE_EXCL);
  else await symlink(from, to);
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function inGroups<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += AT_ONCE) await Promise.all(items.slice(at, at + AT_ONCE).map(act));
}
