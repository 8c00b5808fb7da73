import { renderCommandHelp, renderOverview } from '../core/settings/help.ts';
import { quote } from '../core/settings/kinds.ts';
import { envName } from '../core/settings/setting.ts';
import { suggest } from '../core/settings/suggest.ts';
import { commands, settings } from '../settings.ts';
import { kubeconfigContext } from '../shell/kube/load-credentials.ts';
import type { ExitCode, RoleContext } from './role.ts';

/** `minilb help`, `minilb help COMMAND`; also `minilb` alone outside a cluster. */
export async function run(context: RoleContext<'help'>): Promise<ExitCode> {
  const command = context.operands[0];
  if (command === undefined) {
    context.stdout(`${renderOverview(context.version, commands)}\n${await whichCluster(context.env)}\n`);
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

/** Which cluster `minilb dns` would speak to from here: nobody should find out by trying. */
async function whichCluster(env: RoleContext['env']): Promise<string> {
  const file = env[envName(settings.kubeconfig.flag)] || env['KUBECONFIG'];
  if (!file && env['KUBERNETES_SERVICE_HOST']) return `Here "minilb dns" would use this cluster, by the Pod's service account.`;
  const name = await kubeconfigContext({ ...env, KUBECONFIG: file });
  if (name === undefined) return 'There is no kubeconfig here: "minilb dns" needs one, by -kubeconfig, KUBECONFIG or ~/.kube/config.';
  return `Here "minilb dns" would use the kubeconfig context ${quote(name)}.`;
}
