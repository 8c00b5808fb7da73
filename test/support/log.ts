import type { Log, LogFields, LogLevel } from '../../src/shell/telemetry/log.ts';

export interface LoggedLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** A log that remembers, for tests that look at what was said. */
export function createMemoryLog(): Log & { readonly lines: readonly LoggedLine[]; readonly messages: () => readonly string[] } {
  const lines: LoggedLine[] = [];
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      lines.push({ level, message, fields });
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    lines,
    messages: () => lines.map((line) => line.message),
  };
}
