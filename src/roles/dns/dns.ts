import { connect } from '../connect.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { serveDns } from './serve.ts';

/** `minilb dns`: answers for the cluster's names until it is told to stop. */
export async function run(context: RoleContext<'dns'>): Promise<ExitCode> {
  const client = await connect(context, 'dns');
  return client.ok ? serveDns(context, client.value) : giveUp(context, client.detail);
}
