import { LOOPBACK_ENDPOINT_SLICE } from '../../core/api-server/kind-endpoint-slice.ts';
import type { SocketAddress } from '../../core/settings/kinds.ts';
import { ok } from '../../core/value/result.ts';
import { createKubeClient } from '../../shell/kube/client.ts';
import { createEmbeddedServer, type EmbeddedServer } from '../../shell/kube/embedded-server.ts';
import { createPaint, isTerminal, type Paint } from '../../shell/telemetry/terminal.ts';
import { serveDns } from '../dns/serve.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { DEMO_PODS, type DemoPod, demoObjects, demoPod, FLAPPING_POD } from './demo-cluster.ts';
import { createPodServer, type PodServer } from './demo-pods.ts';

/** How long the pod that comes and goes stays in each state. */
const FLAP_MS = 6000;

/**
 * `minilb demo`: the DNS role against an API server in the same process, with a small cluster whose pods are real web servers on 127.0.0.x.
 * Ends when `context.signal` aborts, or with 1 when a port is in use.
 */
export async function run(context: RoleContext<'demo'>): Promise<ExitCode> {
  const { clock, random, version, env } = context;
  const paint = createPaint(isTerminal(1), env);
  const stop = new AbortController();
  const servers = new Map(DEMO_PODS.map((pod) => [pod.name, createPodServer(pod)]));
  const api = createEmbeddedServer({ clock, random, furtherKinds: [LOOPBACK_ENDPOINT_SLICE] }, stop.signal);
  const end = async (code: ExitCode): Promise<ExitCode> => {
    stop.abort();
    await Promise.all([api.closed, ...[...servers.values()].map((server) => server.stop())]);
    return code;
  };
  await api.ready;
  for (const object of demoObjects()) apply(api, object);
  for (const pod of DEMO_PODS) {
    const started = servers.get(pod.name)?.start();
    if (started && !started.ok) return end(giveUp(context, started.detail));
    apply(api, demoPod(pod, true));
  }
  const server = api.url();
  const credentials = { server, context: 'demo', namespace: 'default', insecureSkipTlsVerify: false, identify: async () => ok({}) };
  const client = createKubeClient(credentials, { clock, userAgent: `minilb/${version} (demo)` });
  const serving = () => {
    context.stdout(inColour(whatToTry(context.settings), paint));
    void flap(context, api, servers, paint, stop.signal);
  };
  return end(await serveDns({ ...context, settings: { ...context.settings, kubeconfig: '' } }, client, serving));
}

/** One Deployment loses and regains a pod, so that answers can be seen to follow. */
async function flap(
  context: RoleContext<'demo'>,
  api: EmbeddedServer,
  servers: ReadonlyMap<string, PodServer>,
  paint: Paint,
  signal: AbortSignal,
): Promise<void> {
  const pod = DEMO_PODS.find((each) => each.name === FLAPPING_POD) as DemoPod;
  const name = `${pod.app}.default.${context.settings.domain}`;
  const until = AbortSignal.any([signal, context.signal]);
  for (let ready = true; ; ready = !ready) {
    await context.clock.after(FLAP_MS, until);
    if (until.aborted) return;
    const server = servers.get(pod.name);
    if (ready) {
      apply(api, demoPod(pod, false));
      await server?.stop();
      context.stdout(`${paint('yellow', `${pod.name} is no longer ready`)}: ${name} has lost ${pod.address}\n`);
    } else {
      const started = server?.start();
      if (started && !started.ok) context.log.warn(started.detail);
      else {
        apply(api, demoPod(pod, true));
        context.stdout(`${paint('green', `${pod.name} is ready again`)}: ${name} has ${pod.address} back\n`);
      }
    }
  }
}

function apply(api: EmbeddedServer, object: Parameters<EmbeddedServer['apply']>[0]): void {
  const applied = api.apply(object);
  if (!applied.ok) throw new Error(`the demo's own object is refused: ${applied.detail}`);
}

/** On a terminal commands stand out, and what is said about them does not. */
function inColour(text: string, paint: Paint): string {
  const line = (each: string) => {
    const [, command, comment = ''] = /^( {2}\S.*?)( {2,}#.*)?$/.exec(each) ?? [];
    return command === undefined ? each : `${paint('cyan', command)}${comment && paint('dim', comment)}`;
  };
  return text.split('\n').map(line).join('\n');
}

function shown({ ip, port }: SocketAddress): string {
  if (ip === undefined) return `127.0.0.1:${port}`;
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function whatToTry({ domain, listen: [listen], health, page }: RoleContext<'demo'>['settings']): string {
  const dns = `@${listen?.ip ?? '127.0.0.1'} -p ${listen?.port ?? 53}`;
  const web = DEMO_PODS.find((pod) => pod.app === 'web') as DemoPod;
  return `
A small cluster runs in this process; its pods are web servers on this machine. In another terminal:

  dig ${dns} web.default.${domain} +short          # the ready pods of the Service web
  curl http://${web.address}:${web.port}                          # one of them, at the pod's own port
  dig ${dns} db-0.db.default.${domain} +short      # one pod of a headless Service, by name
  dig ${dns} 127-0-0-11.web.default.${domain} +short
  dig ${dns} docs.default.${domain} +short         # ExternalName: a CNAME
  dig ${dns} nobody.default.${domain}              # NXDOMAIN
  dig ${dns} web.default.${domain} +tcp +short
  curl http://${shown(health)}/readyz
  curl -s http://${shown(health)}/metrics | grep minilb_dns
${page ? `\nIn a browser: http://${shown(page)}/\n` : ''}
Every ${FLAP_MS / 1000} seconds ${FLAPPING_POD} stops or starts, and the answer follows. End with Ctrl-C.

`;
}
