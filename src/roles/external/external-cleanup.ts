import { EXTERNAL_SERVICES, type ExternalService } from '../../core/object/external-service.ts';
import { LOAD_BALANCERS, type LoadBalancer } from '../../core/object/load-balancer.ts';
import { LB_FINALIZER, LOAD_BALANCER_CONFIGS } from '../../core/object/load-balancer-config.ts';
import { keyOf } from '../../core/object/raw.ts';
import { isOurIngress } from '../../core/plan/balancer-status.ts';
import { type BalancerPlan, planBalancers } from '../../core/plan/balancers.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { listAll } from '../../shell/kube/list.ts';
import { createStore } from '../../shell/kube/store.ts';
import { createUpdaterClient } from '../../shell/proxy/updater-client.ts';
import { createMetrics } from '../../shell/telemetry/metrics.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { createWrittenStore } from './balancer-store.ts';
import { type BalancerWriter, createBalancerWriter } from './balancer-writer.ts';
import { createUpdaterAccess, type UpdaterAccess } from './updater-access.ts';

type FinishPlan = Extract<BalancerPlan, { kind: 'finish' }>;

/**
 * `minilb external cleanup`: takes every Service off its load balancer, clears the statuses that are ours, removes the LoadBalancers that
 * belong to Services and the finalizers; configs and Secrets stay. Without `-yes` only the plan is printed. The operator must be stopped first.
 */
export async function cleanupExternal(context: RoleContext<'external'>, client: KubeClient): Promise<ExitCode> {
  const { settings, stdout, log, signal, clock, random } = context;
  const services = await listAll(client, EXTERNAL_SERVICES, log, signal);
  if (!services.ok) return giveUp(context, `Services cannot be listed: ${services.detail}`);
  const listed = await listAll(client, LOAD_BALANCERS, log, signal);
  if (!listed.ok) return giveUp(context, `LoadBalancers cannot be listed: ${listed.detail}`);
  const configs = await listAll(client, LOAD_BALANCER_CONFIGS, log, signal);
  if (!configs.ok) return giveUp(context, `LoadBalancerConfigs cannot be listed: ${configs.detail}`);
  stdout(`Context ${client.context} (${client.server})\n`);

  // With no Service there is nothing to serve: the plan finishes everything.
  const byKey = new Map(services.value.map((service) => [keyOf(service), service]));
  const nothing = { services: [], nodes: [], slicesOf: () => [], classless: false, prefixes: [], emptySecondsOf: () => 0 };
  const { plans } = planBalancers({
    ...nothing,
    balancers: listed.value,
    configs: configs.value,
    loadBalancerClass: settings.loadBalancerClass,
  });
  const finishes = [...plans.values()].filter((plan) => plan.kind === 'finish');
  const held = configs.value.filter((config) => config.finalizers.includes(LB_FINALIZER));
  for (const plan of finishes) {
    stdout(`remove LoadBalancer ${plan.key}\n`);
    for (const { place, updater } of plan.removals)
      stdout(`  ${updater ? 'remove' : 'leave '} backend ${place.backendName} (${place.port}/${place.protocol}) at ${place.url}\n`);
    if (ownStatus(plan, byKey)) stdout(`  clear the status of Service ${plan.key}\n`);
  }
  for (const { name } of held) stdout(`release LoadBalancerConfig ${name}\n`);
  if (!settings.yes) {
    stdout(`${finishes.length} to remove. Nothing was changed: -yes does it. Stop minilb external first, or it makes them again.\n`);
    return 0;
  }

  const updaters = createUpdaterClient({ clock, userAgent: `minilb/${context.version} (external cleanup)` });
  const access = createUpdaterAccess({ client, updaters, clock, random, metrics: createMetrics() });
  const writer = createBalancerWriter(
    client,
    createWrittenStore(createStore(), () => {}),
    createWrittenStore(createStore(), () => {}),
  );
  let failed = 0;
  for (const plan of finishes) if (!(await finish(plan, ownStatus(plan, byKey), { context, client, access, writer }))) failed++;
  // What is left behind is reached by what the configs remember.
  for (const config of failed > 0 ? [] : held) {
    const finalizers = config.finalizers.filter((finalizer) => finalizer !== LB_FINALIZER);
    const released = await writer.setConfig({ config, finalizers, used: [] }, signal);
    if (released.ok || released.code === 'not-found') continue;
    context.stderr(`minilb external cleanup: LoadBalancerConfig ${config.name} was not released: ${released.detail}\n`);
    failed++;
  }
  stdout(`${finishes.length - Math.min(failed, finishes.length)} of ${finishes.length} done.\n`);
  return failed > 0 ? 1 : 0;
}

interface Means {
  readonly context: RoleContext<'external'>;
  readonly client: KubeClient;
  readonly access: UpdaterAccess;
  readonly writer: BalancerWriter;
}

async function finish(plan: FinishPlan, service: ExternalService | undefined, means: Means): Promise<boolean> {
  const { context, access, writer } = means;
  const { settings, stdout, stderr, signal } = context;
  const fail = (detail: string) => {
    stderr(`minilb external cleanup: ${plan.key}: ${detail}\n`);
    return false;
  };
  for (const { place, updater } of plan.removals) {
    const result = updater
      ? await access.remove(updater, place.backendName, signal)
      : { ok: false as const, detail: 'no LoadBalancerConfig leads there' };
    if (result.ok) continue;
    const why = `backend ${place.backendName} was not removed: ${result.detail}`;
    if (!settings.abandon && updater) return fail(`${why}. -abandon leaves it there`);
    stderr(`minilb external cleanup: ${plan.key}: ${why}; left there\n`);
  }
  if (service) {
    const cleared = await writer.setIngress(service, [], signal);
    if (!cleared.ok && cleared.code !== 'not-found') return fail(`the status of the Service was not cleared: ${cleared.detail}`);
  }
  const removed = await writer.remove(plan.balancer, signal);
  if (!removed.ok) return fail(removed.detail);
  const fresh = await readAgain(plan.balancer, means);
  const released = fresh ? await writer.release(fresh, signal) : { ok: true as const };
  if (!released.ok) return fail(`its finalizer was not removed: ${released.detail}`);
  stdout(`removed ${plan.key}\n`);
  return true;
}

/** As it is after it was marked for deletion; `undefined` when it is gone. */
async function readAgain(balancer: LoadBalancer, { client, context }: Means): Promise<LoadBalancer | undefined> {
  const listed = await listAll(client, LOAD_BALANCERS, context.log, context.signal);
  return listed.ok ? listed.value.find((each) => each.uid === balancer.uid) : balancer;
}

function ownStatus({ key, balancer }: FinishPlan, services: ReadonlyMap<string, ExternalService>): ExternalService | undefined {
  const service = services.get(key);
  return service && service.type === 'LoadBalancer' && isOurIngress(service.status, new Set([balancer.host])) ? service : undefined;
}
