import { err, ok, type Result } from '../../core/value/result.ts';
import { bindReason } from '../../shell/system/bind-error.ts';
import type { DemoPod } from './demo-cluster.ts';

/** The web server that stands for one pod. */
export interface PodServer {
  /** Begins to answer; a failure says which address is the trouble. */
  readonly start: () => Result<undefined, 'cannot-listen'>;
  readonly stop: () => Promise<void>;
}

export function createPodServer(pod: DemoPod): PodServer {
  let server: Bun.Server<undefined> | undefined;
  return {
    start() {
      try {
        server = Bun.serve({
          hostname: pod.address,
          port: pod.port,
          reusePort: false,
          development: false,
          fetch: () => new Response(`Hello from ${pod.name} on ${pod.node} (${pod.address}:${pod.port})\n`),
        });
        return ok(undefined);
      } catch (error) {
        const code = String((error as { readonly code?: unknown }).code ?? error);
        const remedy = code === 'EADDRNOTAVAIL' ? `; on macOS: sudo ifconfig lo0 alias ${pod.address}` : '';
        return err('cannot-listen', `the demo's pod ${pod.name} cannot listen on ${pod.address}:${pod.port}: ${bindReason(code)}${remedy}`);
      }
    },
    async stop() {
      await server?.stop(true);
      server = undefined;
    },
  };
}
