import { ok } from '../../src/core/value/result.ts';
import { createKubeClient, type KubeClient } from '../../src/shell/kube/client.ts';
import { systemClock } from '../../src/shell/system/clock.ts';

/** A real client with a bearer token, without a kubeconfig. */
export function createTestClient(
  server: string,
  access: { readonly ca?: string; readonly token?: string },
  userAgent = 'test',
): KubeClient {
  const { ca, token } = access;
  return createKubeClient(
    {
      server,
      context: 'test',
      namespace: 'default',
      insecureSkipTlsVerify: false,
      ...(ca !== undefined && { ca }),
      identify: async () => ok(token === undefined ? {} : { token }),
    },
    { clock: systemClock, userAgent },
  );
}

/** The same client, through which nothing comes while `cut()` is true: as when a cable is pulled. */
export function cuttable(client: KubeClient, cut: () => boolean): KubeClient {
  return { ...client, request: (request, signal) => (cut() ? new Promise(() => {}) : client.request(request, signal)) };
}
