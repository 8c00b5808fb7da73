import { isatty } from 'node:tty';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Gives a text a colour, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

/** A line that says what is being done, and goes when it is done. */
export interface Progress {
  readonly show: (text: string) => void;
  readonly clear: () => void;
}

type Env = Readonly<Record<string, string | undefined>>;

// ECMA-48 §8.3.117 (SGR) and §8.3.41 (EL): what every terminal understands.
const CODES: { readonly [S in Style]: number } = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };
const ERASE_LINE = '\r\x1b[K';

/** Whether somebody looks at standard output (1) or standard error (2), not a file or a pipe. */
export function isTerminal(fd: 1 | 2): boolean {
  return isatty(fd);
}

/** Colours on a terminal; none with `NO_COLOR` set to anything (no-color.org), and none where `TERM` is `dumb`. */
export function createPaint(terminal: boolean, env: Env): Paint {
  if (!terminal || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb') return (_, text) => text;
  return (style, text) => `\x1b[${CODES[style]}m${text}\x1b[0m`;
}

/** Progress on a terminal, by `write`; elsewhere nothing is written. */
export function createProgress(write: (text: string) => void, terminal: boolean, env: Env): Progress {
  if (!terminal || env['TERM'] === 'dumb') return { show: () => {}, clear: () => {} };
  return { show: (text) => write(`${ERASE_LINE}${text}`), clear: () => write(ERASE_LINE) };
}
