import { renderRouteLines } from '../../core/router/route-lines.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import type { ExitCode, RoleContext } from '../role.ts';
import { whenChanged } from '../route-planner.ts';
import { runRouteDaemon } from './route-daemon.ts';

/** `minilb routes -watch`: prints all routes at the first sync, and all of them again whenever the text is another. */
export function watchRoutes(context: RoleContext<'routes'>, client: KubeClient): Promise<ExitCode> {
  const { settings, stdout, log } = context;
  return runRouteDaemon(context, client, ({ tell }) => {
    let printed = false;
    const print = whenChanged(stdout);
    return {
      planned: (plan) => {
        tell(plan.notices);
        const text = renderRouteLines(plan, settings.routeFormat, settings.gateway);
        if (text.ok) print(text.value);
        else log.error('the routes cannot be printed', { detail: text.detail });
        printed = text.ok;
      },
      waiting: () => (printed ? [] : ['nothing is printed yet']),
      closed: Promise.resolve(),
    };
  });
}
