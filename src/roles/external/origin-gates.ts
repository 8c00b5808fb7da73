import type { Clock } from '../../shell/system/clock.ts';

/** Keeps calls from an updater that does not answer: one at a time tries whether it is back. */
export interface OriginGates {
  /** `undefined`: call now, and say afterwards how it went. Else how long to wait before asking again, and what went wrong last. */
  readonly enter: (origin: string) => { readonly waitMs: number; readonly detail: string } | undefined;
  readonly answered: (origin: string) => void;
  readonly silent: (origin: string, detail: string) => void;
}

interface Gate {
  readonly detail: string;
  failures: number;
  openAt: number;
  /** When the present try is taken for lost; 0: none is under way. */
  tryUntil: number;
}

const FIRST_MS = 1000;
const LAST_MS = 30_000;
/** A call takes 10 s at most. */
const TRY_MS = 11_000;
/** How often those who wait look whether a try has gone well. */
const LOOK_MS = 2000;
const ORIGINS_MAX = 1000;

/** Without it each of 1,000 Services would wait out 10 s for an updater that is away, again and again, and hold up those of others. */
export function createOriginGates(clock: Clock, random: () => number): OriginGates {
  const gates = new Map<string, Gate>();
  return {
    enter: (origin) => {
      const gate = gates.get(origin);
      if (!gate) return undefined;
      const waitMs = gate.openAt - clock.now();
      const tryMs = gate.tryUntil - clock.now();
      if (waitMs > 0 || tryMs > 0)
        return { waitMs: Math.ceil((waitMs > 0 ? waitMs : Math.min(tryMs, LOOK_MS)) + 500 * random()), detail: gate.detail };
      gate.tryUntil = clock.now() + TRY_MS;
      return undefined;
    },
    answered: (origin) => void gates.delete(origin),
    silent: (origin, detail) => {
      const gate = gates.get(origin);
      // Calls that were under way together when it fell silent fail together: that counts once.
      if (gate && gate.tryUntil === 0) return;
      const failures = (gate?.failures ?? 0) + 1;
      const ceiling = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
      if (!gate && gates.size >= ORIGINS_MAX) gates.clear();
      gates.set(origin, { detail, failures, openAt: clock.now() + ceiling / 2 + (ceiling / 2) * random(), tryUntil: 0 });
    },
  };
}
