import type { ExitCode, RoleContext } from '../role.ts';
import { printBackends } from './list.ts';
import { serveUpdater } from './serve.ts';

/** `minilb updater`, and `minilb updater list`. */
export async function run(context: RoleContext<'updater'>): Promise<ExitCode> {
  const [operand] = context.operands;
  if (operand === undefined) return serveUpdater(context);
  if (operand === 'list') return printBackends(context);
  context.stderr(`minilb updater: unexpected argument ${JSON.stringify(operand)}; there is "list"\n`);
  return 2;
}
