import { connect } from '../connect.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { cleanupExternal } from './external-cleanup.ts';
import { serveExternal } from './serve.ts';

/** `minilb external`, and `minilb external cleanup`. */
export async function run(context: RoleContext<'external'>): Promise<ExitCode> {
  const client = await connect(context, 'external');
  if (!client.ok) return giveUp(context, client.detail);
  return context.operands[0] === 'cleanup' ? cleanupExternal(context, client.value) : serveExternal(context, client.value);
}
