import { SERVICES } from '../core/object/resources.ts';
import { toService } from '../core/object/service.ts';
import { planCleanup, type StatusOptions, type StatusPatch } from '../core/plan/status.ts';
import type { ApiFailure, KubeClient } from '../shell/kube/client.ts';
import { listAll } from '../shell/kube/list.ts';
import type { ExitCode, RoleContext } from './role.ts';

const CONFLICTS_MAX = 5;

type Cleared = 'cleared' | 'not-ours-any-more' | ApiFailure;

/**
 * Prints which statuses `minilb dns` has written and clears them when `yes` is set: those that equal our value, and nothing else.
 * 0: done, or the plan was only asked for; 1: something could not be read or cleared.
 */
export async function cleanupStatus(
  client: KubeClient,
  options: StatusOptions & { readonly yes: boolean },
  context: Pick<RoleContext, 'stdout' | 'stderr' | 'log' | 'signal'>,
): Promise<ExitCode> {
  const { stdout, stderr, signal } = context;
  const services = await listAll(client, SERVICES, context.log, signal);
  if (!services.ok) {
    stderr(`minilb cleanup: Services cannot be listed: ${services.detail}\n`);
    return 1;
  }
  const { clear, keep } = planCleanup(services.value, options);
  stdout(`Context ${client.context} (${client.server}), class ${options.loadBalancerClass}, domain ${options.domain}\n`);
  for (const service of keep) {
    const held = service.ingress.map(({ ip, hostname }) => ip ?? hostname ?? '').join(', ');
    stdout(`keep   ${service.namespace}/${service.name}: ${held} is not what this configuration writes\n`);
  }
  let failed = 0;
  for (const { service, patch } of clear) {
    const name = `${service.namespace}/${service.name}`;
    const result = options.yes ? await clearStatus(client, patch, options, signal) : 'planned';
    if (typeof result === 'string') stdout(`${WORDS[result]}  ${name}: ${service.ingress[0]?.hostname ?? ''}\n`);
    else {
      failed++;
      stderr(`minilb cleanup: the status of ${name} was not cleared: ${result.detail}\n`);
    }
  }
  stdout(summary(clear.length, failed, options.yes));
  return failed > 0 ? 1 : 0;
}

const WORDS = { planned: 'clear', cleared: 'cleared', 'not-ours-any-more': 'changed' } as const;

function summary(count: number, failed: number, yes: boolean): string {
  if (count === 0) return 'Nothing to clear.\n';
  if (yes) return `${count - failed} of ${count} done. A minilb that still runs with this class writes them again.\n`;
  return `${count} to clear. Nothing was changed: -yes does it. Stop minilb first, or it writes them again.\n`;
}

/** 409: read again, and clear only what is still ours. 404: the Service is gone, and its status with it. */
async function clearStatus(client: KubeClient, planned: StatusPatch, options: StatusOptions, signal: AbortSignal): Promise<Cleared> {
  let patch = planned;
  for (let attempt = 1; ; attempt++) {
    const result = await client.request({ method: 'PATCH', path: patch.path, body: patch.body }, signal);
    if (result.ok) return 'cleared';
    if (result.code === 'not-found') return 'not-ours-any-more';
    if (result.code !== 'conflict' || attempt >= CONFLICTS_MAX) return result;
    const read = await client.request({ method: 'GET', path: patch.path.replace(/\/status$/, '') }, signal);
    if (!read.ok) return read.code === 'not-found' ? 'not-ours-any-more' : read;
    const fresh = toService(read.value);
    const again = fresh.ok ? planCleanup([fresh.value], options).clear[0]?.patch : undefined;
    if (!again) return 'not-ours-any-more';
    patch = again;
  }
}
