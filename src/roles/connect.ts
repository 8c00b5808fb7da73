import { ok, type Result } from '../core/value/result.ts';
import { createKubeClient, type KubeClient } from '../shell/kube/client.ts';
import { loadCredentials } from '../shell/kube/load-credentials.ts';
import type { RoleContext } from './role.ts';

type ConnectContext = Pick<RoleContext, 'env' | 'clock' | 'version'> & { readonly settings: { readonly kubeconfig: string } };

/** Finds the API server and who we are there. A failure names the file or field and the remedy. */
export async function connect(context: ConnectContext, role: string): Promise<Result<KubeClient>> {
  const { settings, env, clock, version } = context;
  const credentials = await loadCredentials({ kubeconfig: settings.kubeconfig, env, clock });
  return credentials.ok ? ok(createKubeClient(credentials.value, { clock, userAgent: `minilb/${version} (${role})` })) : credentials;
}
