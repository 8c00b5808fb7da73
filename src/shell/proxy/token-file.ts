import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { type NamedToken, parseTokens } from '../../core/proxy/tokens.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../telemetry/log.ts';

export interface TokenFile {
  /** The name that a token belongs to. Takes the same time for every wrong token. */
  readonly ownerOf: (token: string) => string | undefined;
  readonly owners: () => readonly string[];
}

const LOOK_EVERY_MS = 1000;
const WORLD_READABLE = 0o004;

interface Held {
  readonly stamp: string;
  readonly owners: readonly string[];
  readonly digests: readonly { readonly name: string; readonly digest: Buffer }[];
}

/** Reads the file now, and again when it has changed: tokens can be added and removed without a restart. */
export function openTokenFile(path: string, clock: Clock, log: Log): Result<TokenFile, 'bad-token-file'> {
  const first = load(path);
  if (!first.ok) return first;
  if ((statSync(path).mode & WORLD_READABLE) !== 0) log.warn('every user of this host may read the token file', { file: path });
  let held = first.value;
  let lookedAt = clock.now();
  const current = (): Held => {
    if (clock.now() - lookedAt < LOOK_EVERY_MS) return held;
    lookedAt = clock.now();
    if (stampOf(path) === held.stamp) return held;
    const again = load(path);
    if (again.ok) held = again.value;
    else log.error('the token file cannot be read; the tokens of before stay valid', { file: path, reason: again.detail });
    return held;
  };
  return ok({
    ownerOf: (token) => {
      const digest = digestOf(token);
      let owner: string | undefined;
      for (const each of current().digests) if (timingSafeEqual(each.digest, digest)) owner = each.name;
      return owner;
    },
    owners: () => current().owners,
  });
}

function load(path: string): Result<Held, 'bad-token-file'> {
  try {
    const stamp = stampOf(path);
    const tokens = parseTokens(readFileSync(path, 'utf8'));
    return tokens.ok ? ok(toHeld(stamp, tokens.value)) : err('bad-token-file', `${path}: ${tokens.detail}`);
  } catch (error) {
    return err('bad-token-file', `${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function toHeld(stamp: string, tokens: readonly NamedToken[]): Held {
  return {
    stamp,
    owners: [...new Set(tokens.map((each) => each.name))],
    digests: tokens.map(({ name, token }) => ({ name, digest: digestOf(token) })),
  };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? `${found.mtimeMs} ${found.ino} ${found.size}` : 'gone';
}
