import { planHeldRoutes } from '../../core/plan/held-routes.ts';
import { planRoutes, type RouteInputs } from '../../core/plan/routes.ts';
import { cidrText } from '../../core/value/ip.ts';
import type { Notice } from '../../core/value/notice.ts';
import type { SettingsFor } from '../../settings.ts';
import type { RefusedLine } from '../../shell/node/ip-command.ts';
import type { NodeRoutes } from '../../shell/node/ip-routes.ts';
import type { Log } from '../../shell/telemetry/log.ts';
import type { Metrics } from '../../shell/telemetry/metrics.ts';

export interface RouteSweeperOptions {
  readonly kernel: NodeRoutes;
  readonly settings: Pick<SettingsFor<'routes'>, 'cidrs' | 'via'>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tell: (notices: readonly Notice[]) => void;
}

/** Compares the kernel with the cluster and makes them equal; returns whether it came to an end. */
export interface RouteSweeper {
  readonly sweep: (inputs: RouteInputs, signal: AbortSignal) => Promise<boolean>;
}

export function createRouteSweeper({ kernel, settings, log, metrics, tell }: RouteSweeperOptions): RouteSweeper {
  const { cidrs, via } = settings;
  let held = 0;
  let refused = 0;
  /** What was said and is still so, by what it is about. */
  let said: ReadonlyMap<string, string> = new Map();
  metrics.read('routesHeld', () => [[{}, held]]);
  metrics.read('routesRefused', () => [[{}, refused]]);

  const complain = (complaints: ReadonlyMap<string, string>) => {
    for (const [about, text] of complaints) if (said.get(about) !== text) log.warn(text);
    said = complaints;
  };
  const fail = (step: 'read' | 'batch', detail: string) => {
    metrics.inc('routesFailures', { step });
    complain(new Map([['', `the routes cannot be kept: ${detail}`]]));
    return false;
  };

  return {
    sweep: async (inputs, signal) => {
      const state = await kernel.read(signal);
      if (signal.aborted) return false;
      if (!state.ok) return fail('read', state.detail);
      const limits = { cidrs, via, reserved: [...state.value.reserved, ...via] };
      const plan = planRoutes({ ...inputs, ...limits });
      const change = planHeldRoutes(state.value.held, plan, limits);
      const outcome = await kernel.apply(change, signal);
      if (signal.aborted) return false;
      if (!outcome.ok) return fail('batch', outcome.detail);
      const lines = [
        ...change.remove.map((route) => ({ ...route, done: 'removed', tried: 'remove' })),
        ...change.add.map((route) => ({ ...route, done: 'added', tried: 'add' })),
      ];
      const complaints = new Map(change.kept.map(({ route, fault }) => [cidrText(route.cidr), keptText(cidrText(route.cidr), fault.text)]));
      const refusals = new Map(outcome.value.map((line) => [line.index, line]));
      for (const [index, { cidr, via: hop, done, tried }] of lines.entries()) {
        const text = `${cidrText(cidr)}${hop ? ` via ${hop}` : ''}`;
        const refusal = refusals.get(index);
        if (!refusal) {
          metrics.inc('routesChanges', { action: done });
          log.info(`${done} ${text}`);
        } else complaints.set(text, refusalText(tried, text, refusal));
      }
      if (outcome.value.length > 0) metrics.inc('routesFailures', { step: 'batch' }, outcome.value.length);
      held = change.held.length - change.add.filter((_, i) => refusals.has(change.remove.length + i)).length;
      refused = plan.routes.filter(({ fault }) => fault).length;
      complain(complaints);
      tell(plan.notices);
      return true;
    },
  };
}

function keptText(network: string, fault: string): string {
  return `the route to ${network} is kept as it was: ${fault}`;
}

function refusalText(tried: string, route: string, { detail }: RefusedLine): string {
  if (tried === 'add' && /File exists/.test(detail)) return `somebody else holds a route to the network of ${route}; it is left alone`;
  if (/Operation not permitted/.test(detail)) return `cannot ${tried} ${route}: this needs root, or the capability CAP_NET_ADMIN`;
  return `cannot ${tried} ${route}: ${detail}`;
}
