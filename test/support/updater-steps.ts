import { createServer, type Server } from 'node:net';
import { ADAPTERS } from '../../src/core/proxy/adapters.ts';
import type { Change } from '../../src/core/proxy/plan-change.ts';
import { createChangeQueue } from '../../src/shell/proxy/change-queue.ts';
import { createConfFolder } from '../../src/shell/proxy/conf-folder.ts';
import { systemClock } from '../../src/shell/system/clock.ts';
import { createProcessRunner } from '../../src/shell/system/run-process.ts';
import { createMemoryLog } from './log.ts';

/** What test/proxy/crash.test.ts gives as JSON on the command line. */
export interface StepsPlan {
  readonly kind: 'nginx' | 'haproxy';
  readonly mainFile: string;
  readonly folder: string;
  readonly changes: readonly Change[];
  /** Dies at once after this many steps of the change; 0: never. */
  readonly dieAfter: number;
  /** Takes this port on all addresses after the check that ports are free, so that the proxy cannot; 0: none. */
  readonly thiefPort: number;
}

/** Runs a change as `minilb updater` does and prints each step, one a line; then the outcome. */
async function main(plan: StepsPlan): Promise<void> {
  let counted = -1;
  let thief: Server | undefined;
  const step = (name: string) => {
    if (counted < 0) return;
    console.log(name);
    if (++counted === plan.dieAfter) process.kill(process.pid, 'SIGKILL');
    if (name !== 'ports-free' || plan.thiefPort === 0) return;
    thief = createServer().listen(plan.thiefPort, '0.0.0.0');
  };
  const adapter = ADAPTERS[plan.kind];
  const host = {
    adapter,
    program: adapter.program,
    mainFile: plan.mainFile,
    pidFile: '',
    folders: [plan.folder],
    asRoot: process.getuid?.() === 0,
    files: createConfFolder(plan.folder, adapter.suffix),
    run: createProcessRunner(systemClock),
    clock: systemClock,
    log: createMemoryLog(),
    step,
  };
  const stop = new AbortController();
  const rules = { allowPorts: [{ low: 1, high: 65535 }], apiPort: 0 };
  const queue = createChangeQueue({ host, rules, families: [4, 6], applied: () => {} }, stop.signal);
  while (queue.fault() !== undefined) await systemClock.after(5, stop.signal);
  counted = 0;
  const nobody = { owner: '', owners: [] };
  const outcomes = await Promise.all(plan.changes.map((change) => queue.submit(change, nobody, stop.signal)));
  console.log(JSON.stringify(outcomes));
  thief?.close();
  process.exit(0);
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? ''));
