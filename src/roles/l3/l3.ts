import { connect } from '../connect.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { runAgent } from './agent.ts';
import { runAllocator } from './allocator.ts';
import { cleanupNode } from './l3-cleanup.ts';
import { cleanupStatuses } from './l3-cleanup-status.ts';
import { printStatus } from './l3-status.ts';

/** `minilb l3`: the agent of a node, the allocator (`-allocate`), or one of the commands `status` and `cleanup`. */
export async function run(context: RoleContext<'l3'>): Promise<ExitCode> {
  const client = await connect(context, context.settings.allocate ? 'l3-allocator' : 'l3');
  if (!client.ok) return giveUp(context, client.detail);
  const [word] = context.operands;
  if (word === 'status') return printStatus(context, client.value);
  if (word === 'cleanup') return context.settings.allocate ? cleanupStatuses(context, client.value) : cleanupNode(context, client.value);
  return context.settings.allocate ? runAllocator(context, client.value) : runAgent(context, client.value);
}
