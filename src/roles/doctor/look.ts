import type { NotLooked } from '../../core/doctor/finding.ts';
import type { Log, LogFields } from '../../shell/telemetry/log.ts';

/** What the parts of `doctor` share while they look. */
export interface Look {
  readonly signal: AbortSignal;
  /** Says what is being done. */
  readonly doing: (text: string) => void;
  /** Notes what could not be looked at. */
  readonly missed: (what: string, why: string) => void;
  /** For code that warns of what it could not read: the same notes. */
  readonly log: Log;
}

export function createLook(
  signal: AbortSignal,
  doing: (text: string) => void,
  log: Log,
): Look & { readonly notLooked: () => readonly NotLooked[] } {
  const missing = new Map<string, NotLooked>();
  const missed = (what: string, why: string) => void missing.set(what, { what, why });
  const warn = (message: string, fields: LogFields = {}) => {
    const { detail, ...which } = fields;
    const where = Object.values(which).filter((value) => value !== undefined && value !== '');
    missed([message, ...where].join(' '), String(detail ?? ''));
  };
  return { signal, doing, missed, log: { ...log, warn }, notLooked: () => [...missing.values()] };
}
