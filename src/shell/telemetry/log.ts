import { type Clock, isoTime } from '../system/clock.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes one line per call; never throws, never waits. */
export interface Log {
  readonly debug: (message: string, fields?: LogFields) => void;
  readonly info: (message: string, fields?: LogFields) => void;
  readonly warn: (message: string, fields?: LogFields) => void;
  readonly error: (message: string, fields?: LogFields) => void;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
  readonly clock: Clock;
  readonly write: (line: string) => void;
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const VALUE_LENGTH_MAX = 2048;

/**
 * Text: `2026-11-21T10:00:00.000Z INFO  message key=value`. JSON: one object with `time`, `level`, `message` and the fields.
 * Control characters are escaped, so that one call is one line whatever the cluster holds.
 */
export function createLog(options: LogOptions): Log {
  const lowest = LEVELS.indexOf(options.level);
  const line = options.format === 'json' ? jsonLine : textLine;
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (LEVELS.indexOf(level) >= lowest) options.write(line(isoTime(options.clock.wall()), level, message, fields));
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function jsonLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  return `${JSON.stringify({ ...fields, time, level, message })}\n`;
}

function textLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${quoteIfNeeded(String(value))}`);
  return `${time} ${level.toUpperCase().padEnd(5)} ${escapeControls(message)}${pairs.join('')}\n`;
}

function quoteIfNeeded(value: string): string {
  const short = value.length > VALUE_LENGTH_MAX ? `${value.slice(0, VALUE_LENGTH_MAX)}…` : value;
  return /^[\w.:/@+,*[\]-]+$/.test(short) ? short : escapeControls(JSON.stringify(short));
}

function escapeControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
