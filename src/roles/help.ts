import { renderCommandHelp, renderOverview } from '../core/settings/help.ts';
import { quote } from '../core/settings/kinds.ts';
import { suggest } from '../core/settings/suggest.ts';
import { commands, settings } from '../settings.ts';
import type { ExitCode, RoleContext } from './role.ts';

/** `minilb help`, `minilb help COMMAND`. */
export async function run(context: RoleContext<'help'>): Promise<ExitCode> {
  const command = context.operands[0];
  if (command === undefined) {
    context.stdout(renderOverview(context.version, commands));
    return 0;
  }
  if (Object.hasOwn(commands, command)) {
    context.stdout(renderCommandHelp(command, commands, settings));
    return 0;
  }
  const names = Object.keys(commands);
  const near = suggest(command, names);
  context.stderr(
    `minilb help: unknown command ${quote(command)}; ${near ? `did you mean ${near}?` : `the commands are ${names.join(', ')}`}\n`,
  );
  return 2;
}
