import type { Clock } from '../system/clock.ts';
import type { Log } from '../telemetry/log.ts';

export interface IpMonitorOptions {
  /** What it looks at. */
  readonly objects: readonly ('address' | 'link' | 'route')[];
  readonly clock: Clock;
  readonly log: Log;
  /** Called for each batch of events, and when the monitor was started again: something may have changed. */
  readonly onChange: () => void;
}

const RESTART_FIRST_MS = 1000;
const RESTART_MAX_MS = 60_000;

/**
 * A long-lived `ip monitor OBJECTS`. It only wakes: what it prints is not read, and a periodic full comparison covers what it
 * misses. It is started again when it ends.
 */
export function createIpMonitor(options: IpMonitorOptions, signal: AbortSignal): { readonly closed: Promise<void> } {
  return { closed: keepRunning(options, signal) };
}

async function keepRunning({ objects, clock, log, onChange }: IpMonitorOptions, signal: AbortSignal): Promise<void> {
  for (let waitMs = RESTART_FIRST_MS; !signal.aborted; waitMs = Math.min(RESTART_MAX_MS, waitMs * 2)) {
    try {
      const child = Bun.spawn(['ip', 'monitor', ...objects], {
        stdio: ['ignore', 'pipe', 'ignore'],
        signal,
        killSignal: 'SIGKILL',
      });
      onChange();
      for await (const chunk of child.stdout) {
        if (chunk.length > 0) onChange();
        waitMs = RESTART_FIRST_MS;
      }
      await child.exited;
      if (!signal.aborted) log.warn('ip monitor has ended; it is started again', { exitCode: child.exitCode ?? undefined });
    } catch (error) {
      if (!signal.aborted) log.warn('ip monitor cannot be started; changes are seen by the periodic comparison', { error: String(error) });
    }
    await clock.after(waitMs, signal);
  }
}
