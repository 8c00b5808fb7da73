import { connect } from '../connect.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { printRoutes } from './print-routes.ts';
import { usageFault } from './usage.ts';

/** `minilb routes`: prints the routes once, prints or writes them whenever they change (`-watch`), or sets them (`-apply`, and `cleanup` takes them away). */
export async function run(context: RoleContext<'routes'>): Promise<ExitCode> {
  const { settings } = context;
  if (context.operands[0] === 'cleanup') return (await import('./cleanup-routes.ts')).cleanupRoutes(context);
  const fault = usageFault(settings);
  if (fault !== undefined) {
    context.stderr(`minilb routes: ${fault}\n`);
    return 2;
  }
  const client = await connect(context, 'routes');
  if (!client.ok) return giveUp(context, client.detail);
  if (settings.apply) return (await import('./apply-routes.ts')).applyRoutes(context, client.value);
  const { write, routeFormat } = settings;
  if (write !== '' && routeFormat !== 'json') return (await import('./write-routes.ts')).writeRoutes(context, client.value, routeFormat);
  if (settings.watch) return (await import('./watch-routes.ts')).watchRoutes(context, client.value);
  return printRoutes(client.value, settings, context);
}
