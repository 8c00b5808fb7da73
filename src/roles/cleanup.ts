import { cleanupStatus } from './cleanup-status.ts';
import { connect } from './connect.ts';
import { type ExitCode, giveUp, type RoleContext } from './role.ts';

/** `minilb cleanup`. */
export async function run(context: RoleContext<'cleanup'>): Promise<ExitCode> {
  const client = await connect(context, 'cleanup');
  return client.ok ? cleanupStatus(client.value, context.settings, context) : giveUp(context, client.detail);
}
