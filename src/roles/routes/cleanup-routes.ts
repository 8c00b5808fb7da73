import { cidrText } from '../../core/value/ip.ts';
import { createNodeRoutes } from '../../shell/node/ip-routes.ts';
import { createProcessRunner } from '../../shell/system/run-process.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';

/** `minilb routes cleanup`: shows the kernel's routes of our `-proto` number, and with `-yes` removes them. It needs no cluster. */
export async function cleanupRoutes(context: RoleContext<'routes'>): Promise<ExitCode> {
  const { settings, clock, signal, stdout } = context;
  const kernel = createNodeRoutes(createProcessRunner(clock), settings.proto);
  const state = await kernel.read(signal);
  if (!state.ok) return giveUp(context, `the routes of this machine cannot be read: ${state.detail}`);
  const { held } = state.value;
  stdout(`Routes of proto ${settings.proto} on this machine:\n`);
  for (const { cidr, via, device } of held)
    stdout(`remove ${cidrText(cidr)}${via ? ` via ${via}` : ''}${device ? ` dev ${device}` : ''}\n`);
  if (!settings.yes) {
    stdout(`${held.length} to remove. Nothing was changed: -yes does it. Stop minilb routes -apply first, or it puts them back.\n`);
    return 0;
  }
  const outcome = await kernel.apply({ add: [], remove: held }, signal);
  if (!outcome.ok) return giveUp(context, outcome.detail);
  const [first] = outcome.value;
  if (first) return giveUp(context, `${outcome.value.length} of ${held.length} not removed: ${first.detail}`);
  stdout(`${held.length} removed.\n`);
  return 0;
}
