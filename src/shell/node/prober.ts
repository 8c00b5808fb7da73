import { createReachability, type ProbeTarget } from '../../core/reachability/reachability.ts';
import type { Clock } from '../system/clock.ts';
import type { TcpProbe } from './tcp-probe.ts';

export interface ProberOptions {
  readonly probe: TcpProbe;
  readonly port: number;
  readonly clock: Clock;
  /** Called with the Nodes that are judged dead, whenever they change. */
  readonly changed: (dead: ReadonlySet<string>) => void;
}

/** Asks Nodes again and again whether they live. */
export interface Prober {
  readonly setTargets: (targets: readonly ProbeTarget[]) => void;
  readonly dead: () => ReadonlySet<string>;
  readonly closed: Promise<void>;
}

/** Begins with no targets; `signal` ends it. */
export function createProber({ probe, port, clock, changed }: ProberOptions, signal: AbortSignal): Prober {
  const reachability = createReachability();
  let dead = reachability.dead();
  let wake = new AbortController();

  const tell = () => {
    if (reachability.dead() === dead) return;
    dead = reachability.dead();
    changed(dead);
  };
  const start = (target: ProbeTarget) => {
    const startedMs = clock.now();
    void probe(target.address, port, signal).then((result) => {
      if (signal.aborted) return;
      reachability.finished(target, result, startedMs, clock.now());
      tell();
      wake.abort();
    });
  };
  const run = async () => {
    while (!signal.aborted) {
      const target = reachability.next(clock.now());
      if (target) start(target);
      wake = new AbortController();
      const waitMs = Math.min(IDLE_MS, Math.max(1, reachability.wakeAtMs() - clock.now()));
      await clock.after(waitMs, AbortSignal.any([signal, wake.signal]));
    }
  };
  return {
    setTargets: (targets) => {
      reachability.setTargets(targets, clock.now());
      tell();
      wake.abort();
    },
    dead: () => dead,
    closed: run(),
  };
}

/** Without targets there is nothing to wait for; a new one wakes it. */
const IDLE_MS = 3_600_000;
