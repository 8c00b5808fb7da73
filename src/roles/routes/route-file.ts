import { type HeldPlan, heldComments, parseHeldComments, planHeldRoutes, type SoundRoute } from '../../core/plan/held-routes.ts';
import { planRoutes, type RouteInputs, type RoutePlan } from '../../core/plan/routes.ts';
import { commentSign, renderRouteLines } from '../../core/router/route-lines.ts';
import type { RouteFormat } from '../../core/settings/formats.ts';
import { cidrText } from '../../core/value/ip.ts';
import type { Notice } from '../../core/value/notice.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import type { SettingsFor } from '../../settings.ts';
import { replaceFile } from '../../shell/system/replace-file.ts';
import type { RunProcess } from '../../shell/system/run-process.ts';
import type { Log } from '../../shell/telemetry/log.ts';
import type { Metrics } from '../../shell/telemetry/metrics.ts';

export interface RouteFileOptions {
  readonly settings: Pick<SettingsFor<'routes'>, 'write' | 'runCommand' | 'cidrs' | 'via' | 'gateway'>;
  readonly format: Exclude<RouteFormat, 'json'>;
  /** What the file holds at the start. */
  readonly before: string;
  readonly run: RunProcess;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tell: (notices: readonly Notice[]) => void;
}

/** A file of another daemon's configuration that holds the routes. */
export interface RouteFile {
  /** Makes it equal to the cluster, and has the daemon read it; an error is to be tried again. */
  readonly keep: (inputs: RouteInputs, signal: AbortSignal) => Promise<Result<undefined>>;
}

export function createRouteFile(options: RouteFileOptions): RouteFile {
  const { settings, format, run, log, metrics, tell } = options;
  const { write, runCommand, cidrs, via, gateway } = settings;
  const command = toCommand(runCommand);
  let written = options.before;
  let held: readonly SoundRoute[] = parseHeldComments(written);
  /** The daemon may have missed the last change before the start. */
  let daemonKnows = command === undefined;
  metrics.read('routesHeld', () => [[{}, held.length]]);

  const writeFile = async (plan: RoutePlan, change: HeldPlan): Promise<Result<undefined>> => {
    const text = renderRouteLines(withKept(plan, change), format, gateway);
    if (!text.ok) return text;
    const whole = text.value + heldComments(change.held, commentSign(format));
    if (whole === written) return ok(undefined);
    const done = await replaceFile(write, whole);
    if (!done.ok) return done;
    for (const route of change.remove) log.info(`removed ${routeText(route)}`);
    for (const route of change.add) log.info(`added ${routeText(route)}`);
    metrics.inc('routesChanges', { action: 'removed' }, change.remove.length);
    metrics.inc('routesChanges', { action: 'added' }, change.add.length);
    [written, held, daemonKnows] = [whole, change.held, command === undefined];
    return done;
  };

  const tellDaemon = async (signal: AbortSignal): Promise<Result<undefined>> => {
    if (daemonKnows || !command) return ok(undefined);
    const outcome = await run(command, {}, signal);
    if (outcome.ok && outcome.value.exitCode === 0) {
      log.info(`ran ${runCommand}`);
      daemonKnows = true;
      return ok(undefined);
    }
    if (!signal.aborted) metrics.inc('routesFailures', { step: 'run' });
    return err(
      'run-failed',
      `${runCommand} does not work: ${outcome.ok ? lastLine(outcome.value.stdout + outcome.value.stderr) : outcome.detail}`,
    );
  };

  return {
    keep: async (inputs, signal) => {
      const limits = { cidrs, via, reserved: via };
      const plan = planRoutes({ ...inputs, ...limits });
      tell(plan.notices);
      const done = await writeFile(plan, planHeldRoutes(held, plan, limits));
      return done.ok ? tellDaemon(signal) : done;
    },
  };
}

/** The plan with those routes that are held in spite of it. */
function withKept(plan: RoutePlan, { kept }: HeldPlan): RoutePlan {
  return { ...plan, routes: [...kept.map(({ route }) => ({ node: '', ...route })), ...plan.routes] };
}

/** Words separated by blanks; there is no shell, so there are no quotes. */
function toCommand(text: string): readonly [string, ...string[]] | undefined {
  const [program, ...args] = text.split(' ').filter((word) => word !== '');
  return program === undefined ? undefined : [program, ...args];
}

function routeText({ cidr, via }: Pick<SoundRoute, 'cidr'> & { readonly via?: string }): string {
  return `${cidrText(cidr)}${via === undefined ? '' : ` via ${via}`}`;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
