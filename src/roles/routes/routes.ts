import { connect } from '../connect.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { printRoutes } from './print-routes.ts';
import { usageFault } from './usage.ts';

/** `minilb routes`: prints the routes once, or with `-watch` whenever they change. */
export async function run(context: RoleContext<'routes'>): Promise<ExitCode> {
  const { settings } = context;
  const fault = usageFault(settings);
  if (fault !== undefined) {
    context.stderr(`minilb routes: ${fault}\n`);
    return 2;
  }
  const client = await connect(context, 'routes');
  if (!client.ok) return giveUp(context, client.detail);
  if (settings.watch) return (await import('./watch-routes.ts')).watchRoutes(context, client.value);
  return printRoutes(client.value, settings, context);
}
