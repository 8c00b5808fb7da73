import type { RouteInputs } from '../../core/plan/routes.ts';
import { cidrText } from '../../core/value/ip.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { createIpMonitor } from '../../shell/node/ip-monitor.ts';
import { createNodeRoutes } from '../../shell/node/ip-routes.ts';
import { createProcessRunner } from '../../shell/system/run-process.ts';
import { createLoop } from '../loop.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { runRouteDaemon } from './route-daemon.ts';
import { createRouteSweeper } from './route-sweeper.ts';

/** Somebody else's routing daemon may change routes all the time: each change wakes, and this is the pace. */
const SWEEP_GAP_MS = 1000;
const SWEEP_PERIOD_MS = 30_000;

/**
 * `minilb routes -apply`: keeps the kernel's routes of our `-proto` number equal to the Nodes' podCIDRs, until `context.signal` aborts. They stay
 * when it ends. An API server that is away changes nothing.
 */
export async function applyRoutes(context: RoleContext<'routes'>, client: KubeClient): Promise<ExitCode> {
  const { settings, clock, log, signal } = context;
  const kernel = createNodeRoutes(createProcessRunner(clock), settings.proto);
  const before = await kernel.read(signal);
  if (!before.ok) return giveUp(context, `the routes of this machine cannot be read: ${before.detail}`);
  log.info('keeping routes', {
    proto: settings.proto,
    cidrs: settings.cidrs.map(cidrText).join(','),
    via: settings.via.map(cidrText).join(','),
    held: before.value.held.length,
  });
  return runRouteDaemon(context, client, ({ metrics, tell }, stop) => {
    const sweeper = createRouteSweeper({ kernel, settings, log, metrics, tell });
    let inputs: RouteInputs | undefined;
    let swept = false;
    const loop = createLoop(
      {
        clock,
        gapMs: SWEEP_GAP_MS,
        periodMs: SWEEP_PERIOD_MS,
        run: async (_, until) => {
          if (inputs) swept = (await sweeper.sweep(inputs, until)) || swept;
          return undefined;
        },
      },
      stop,
    );
    const monitor = createIpMonitor({ objects: ['link', 'address', 'route'], clock, log, onChange: loop.changed }, stop);
    return {
      planned: (_, given) => {
        inputs = given;
        loop.changed();
      },
      waiting: () => (swept ? [] : ['the routes have not been compared yet']),
      closed: Promise.all([loop.closed, monitor.closed]),
    };
  });
}
