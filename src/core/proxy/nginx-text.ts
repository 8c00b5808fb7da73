import { err, ok, type Result } from '../value/result.ts';

/** One directive of nginx's configuration, with its block if it has one. `start` and `end` are offsets in the text. */
export interface Directive {
  readonly words: readonly string[];
  readonly start: number;
  readonly end: number;
  readonly block: readonly Directive[] | undefined;
}

const DEPTH_MAX = 32;

/**
 * Reads nginx's configuration language (ngx_conf_read_token): words, quotes, `;`, blocks and comments. What the directives mean is not
 * looked at; a `*_by_lua_block` is not understood.
 */
export function parseNginxText(text: string): Result<readonly Directive[], 'syntax'> {
  const tokens = tokenize(text);
  if (!tokens.ok) return tokens;
  let at = 0;
  const readBlock = (depth: number): Result<readonly Directive[], 'syntax'> => {
    if (depth > DEPTH_MAX) return err('syntax', 'blocks lie too deep');
    const directives: Directive[] = [];
    let words: Token[] = [];
    for (; at < tokens.value.length; at++) {
      const token = tokens.value[at] as Token;
      const first = words[0] ?? token;
      if (token.kind === 'word') words.push(token);
      else if (token.kind === '}') {
        if (depth === 0 || words.length > 0) return err('syntax', `unexpected "}" in line ${lineOf(text, token.start)}`);
        return ok(directives);
      } else if (words.length === 0) return err('syntax', `unexpected "${token.kind}" in line ${lineOf(text, token.start)}`);
      else {
        let block: readonly Directive[] | undefined;
        if (token.kind === '{') {
          at++;
          const inner = readBlock(depth + 1);
          if (!inner.ok) return inner;
          block = inner.value;
        }
        const end = (tokens.value[at] ?? token).end;
        directives.push({ words: words.map((word) => word.text), start: first.start, end, block });
        words = [];
      }
    }
    if (depth > 0 || words.length > 0) return err('syntax', 'the text ends within a directive');
    return ok(directives);
  };
  return readBlock(0);
}

interface Token {
  readonly kind: 'word' | ';' | '{' | '}';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

function tokenize(text: string): Result<readonly Token[], 'syntax'> {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    const char = text[at] ?? '';
    if (/\s/.test(char)) at++;
    else if (char === '#') {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
    } else if (char === ';' || char === '{' || char === '}') {
      tokens.push({ kind: char, text: char, start: at, end: at + 1 });
      at++;
    } else {
      const word = char === '"' || char === "'" ? quotedWord(text, at, char) : bareWord(text, at);
      if (!word) return err('syntax', `a quote opens in line ${lineOf(text, at)} and does not close`);
      tokens.push(word);
      at = word.end;
    }
  }
  return ok(tokens);
}

function bareWord(text: string, start: number): Token {
  let at = start;
  for (; at < text.length && !/[\s;{}]/.test(text[at] ?? ''); at++) {
    // `${name}` is a variable inside a word, and a backslash takes the next character along.
    if (text[at] === '\\') at++;
    else if (text[at] === '$' && text[at + 1] === '{') at = Math.max(at, text.indexOf('}', at));
  }
  return { kind: 'word', text: text.slice(start, at), start, end: Math.min(at, text.length) };
}

function quotedWord(text: string, start: number, quote: string): Token | undefined {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote) return { kind: 'word', text: text.slice(start + 1, at), start, end: at + 1 };
  }
  return undefined;
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
