import { err, ok, type Result } from '../value/result.ts';
import { isBackendName } from './backend.ts';

/** Who may call the updater: a name that owns what it writes, and a secret. */
export interface NamedToken {
  readonly name: string;
  readonly token: string;
}

const TOKENS_MAX = 1000;
/** 16 characters of a random token are 64 bits or more, which nobody guesses over a network. */
const TOKEN = /^[\x21-\x7e]{16,512}$/;

/**
 * Reads a token file: one `name token` a line; a token alone is called `default`; `#` begins a comment line. A name may stand several
 * times, so that a token can be replaced without a gap. Errors never hold a token.
 */
export function parseTokens(text: string): Result<readonly NamedToken[], 'bad-token-file'> {
  const tokens: NamedToken[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    const words = line.trim().split(/\s+/);
    if (line.trim() === '' || line.trim().startsWith('#')) continue;
    const where = `line ${i + 1}`;
    if (words.length > 2) return err('bad-token-file', `${where} has more than a name and a token`);
    const name = words.length === 2 ? (words[0] ?? '') : 'default';
    const token = words.at(-1) ?? '';
    if (!isBackendName(name)) return err('bad-token-file', `${where}: the name is not letters, digits, _, . or -`);
    if (!TOKEN.test(token)) return err('bad-token-file', `${where}: the token is not 16 to 512 printable ASCII characters`);
    if (tokens.some((other) => other.token === token && other.name !== name))
      return err('bad-token-file', `${where}: the token stands for two names`);
    tokens.push({ name, token });
  }
  if (tokens.length === 0) return err('bad-token-file', 'it holds no token');
  return tokens.length > TOKENS_MAX ? err('bad-token-file', `it holds more than ${TOKENS_MAX} tokens`) : ok(tokens);
}

/** The token of an `Authorization` header (RFC 6750 §2.1); the scheme's case does not matter. */
export function bearerOf(header: string | null): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
}
