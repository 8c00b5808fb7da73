import { connect } from './connect.ts';
import { printRoutes } from './print-routes.ts';
import { type ExitCode, giveUp, type RoleContext } from './role.ts';

/** `minilb routes`. */
export async function run(context: RoleContext<'routes'>): Promise<ExitCode> {
  const client = await connect(context, 'routes');
  return client.ok ? printRoutes(client.value, context.settings, context) : giveUp(context, client.detail);
}
