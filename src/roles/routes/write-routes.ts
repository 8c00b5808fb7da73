import type { RouteInputs } from '../../core/plan/routes.ts';
import type { RouteFormat } from '../../core/settings/formats.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { readTextFile } from '../../shell/system/replace-file.ts';
import { createProcessRunner } from '../../shell/system/run-process.ts';
import { createLoop } from '../loop.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { runRouteDaemon } from './route-daemon.ts';
import { createRouteFile } from './route-file.ts';

const WRITE_GAP_MS = 1000;
const LOOK_PERIOD_MS = 30_000;
const RETRY_MS = 2000;

/**
 * `minilb routes -watch -write FILE`: keeps a file of another daemon's configuration equal to the Nodes' podCIDRs, and after each change, until it
 * has worked, runs `-run`. What the file holds is held as `-apply` holds the kernel's routes: comments in it say what that is.
 */
export async function writeRoutes(
  context: RoleContext<'routes'>,
  client: KubeClient,
  format: Exclude<RouteFormat, 'json'>,
): Promise<ExitCode> {
  const { settings, clock, log } = context;
  const before = await readTextFile(settings.write);
  if (!before.ok) return giveUp(context, before.detail);
  return runRouteDaemon(context, client, ({ metrics, tell }, stop) => {
    const file = createRouteFile({ settings, format, before: before.value, run: createProcessRunner(clock), log, metrics, tell });
    let inputs: RouteInputs | undefined;
    let finished = false;
    let said = '';
    const loop = createLoop(
      {
        clock,
        gapMs: WRITE_GAP_MS,
        periodMs: LOOK_PERIOD_MS,
        run: async (_, until) => {
          if (!inputs) return undefined;
          const done = await file.keep(inputs, until);
          finished ||= done.ok;
          const fault = done.ok || until.aborted ? '' : done.detail;
          if (fault !== '' && fault !== said) log.error(fault);
          said = fault;
          return done.ok ? undefined : RETRY_MS;
        },
      },
      stop,
    );
    return {
      planned: (_, given) => {
        inputs = given;
        loop.changed();
      },
      waiting: () => (finished ? [] : [`${settings.write} is not written yet`]),
      closed: loop.closed,
    };
  });
}
