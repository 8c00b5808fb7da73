import { ROUTE_SERVICES } from '../../core/object/route-service.ts';
import { prefixFaults } from '../../core/plan/route-prefixes.ts';
import { heldIps, isByRoute } from '../../core/plan/route-services.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { listAll } from '../../shell/kube/list.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';

/** `minilb l3 -allocate cleanup`: clears the statuses that hold addresses of the prefixes and nothing else; without `-yes` only the plan is printed. */
export async function cleanupStatuses(context: RoleContext<'l3'>, client: KubeClient): Promise<ExitCode> {
  const { settings, stdout, stderr, log, signal } = context;
  const faults = prefixFaults(settings.prefixes);
  if (faults.length > 0) return giveUp(context, faults.join('; '));
  const services = await listAll(client, ROUTE_SERVICES, log, signal);
  if (!services.ok) return giveUp(context, `Services cannot be listed: ${services.detail}`);
  stdout(`Context ${client.context} (${client.server}), class ${settings.loadBalancerClass}\n`);
  let failed = 0;
  const ours = services.value.filter(
    (service) =>
      isByRoute(service, settings) &&
      service.statusIsVips &&
      service.ingress.length > 0 &&
      heldIps(service, settings.prefixes).length === service.ingress.length,
  );
  for (const service of ours) {
    const name = `${service.namespace}/${service.name}`;
    const held = heldIps(service, settings.prefixes).join(', ');
    if (!settings.yes) {
      stdout(`clear  ${name}: ${held}\n`);
      continue;
    }
    const path = `/api/v1/namespaces/${service.namespace}/services/${service.name}/status`;
    const body = { metadata: { resourceVersion: service.resourceVersion }, status: { loadBalancer: { ingress: null } } };
    const result = await client.request({ method: 'PATCH', path, body }, signal);
    if (result.ok || result.code === 'not-found') stdout(`cleared  ${name}: ${held}\n`);
    else {
      failed++;
      stderr(`minilb l3 cleanup: the status of ${name} was not cleared: ${result.detail}\n`);
    }
  }
  stdout(
    settings.yes
      ? `${ours.length - failed} of ${ours.length} done.\n`
      : `${ours.length} to clear. Nothing was changed: -yes does it. Stop the allocator first, or it writes them again.\n`,
  );
  return failed > 0 ? 1 : 0;
}
