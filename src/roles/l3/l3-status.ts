import { addressRows } from '../../core/page/address-rows.ts';
import { planAnnouncements } from '../../core/plan/announcements.ts';
import { planAddresses } from '../../core/plan/node-addresses.ts';
import { heldIps, isByRoute } from '../../core/plan/route-services.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { createNodeAddresses } from '../../shell/node/ip-addresses.ts';
import { createProcessRunner } from '../../shell/system/run-process.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { type Look, lookAtCluster } from './look.ts';

interface StatusRow {
  readonly address: string;
  readonly service: string;
  /** `held`, `missing` (to be added), `leaving` (to be removed), `elsewhere`, `foreign`. */
  readonly here: string;
  readonly reason: string;
}

/** `minilb l3 status`: what this node holds and why, what it does not and why not. It looks afresh and changes nothing. */
export async function printStatus(context: RoleContext<'l3'>, client: KubeClient): Promise<ExitCode> {
  const { settings, stdout, signal, clock } = context;
  const look = await lookAtCluster(context, client);
  if (!look.ok) return giveUp(context, look.detail);
  if (settings.output === 'annotations') {
    stdout(annotations(look.value, context));
    return 0;
  }
  const node = await createNodeAddresses(createProcessRunner(clock), settings.interface).read(signal);
  if (!node.ok) return giveUp(context, node.detail);
  const plan = planAnnouncements(look.value.inputs);
  const untouchable = new Set(look.value.inputs.nodeOf(look.value.inputs.node)?.addresses ?? []);
  const { notices } = planAddresses({ ...plan, held: node.value.addresses, untouchable, ...settings });
  const view = { plan, held: node.value.addresses, interface: settings.interface, notices };
  const rows = addressRows(view).map(({ address, service, state, detail }) => ({ address, service, here: state, reason: detail }));
  stdout(render(rows, look.value.inputs.node, context));
  return 0;
}

function render(rows: readonly StatusRow[], node: string, { settings }: RoleContext<'l3'>): string {
  if (settings.output === 'json') return `${JSON.stringify({ node, interface: settings.interface, addresses: rows }, undefined, 2)}\n`;
  const table = [['ADDRESS', 'SERVICE', 'HERE', 'WHY'], ...rows.map((row) => [row.address, row.service || '-', row.here, row.reason])];
  const widths = [0, 1, 2].map((i) => Math.max(...table.map((cells) => cells[i]?.length ?? 0)));
  const lines = table.map((cells) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `node ${node}, interface ${settings.interface}\n${lines.join('\n')}\n`;
}

/** One command a Service: run before a restore, each gets its address again. Names are DNS labels, so nothing needs quoting. */
function annotations({ services }: Look, { settings }: RoleContext<'l3'>): string {
  return services
    .filter((service) => isByRoute(service, settings))
    .flatMap((service) => {
      const ips = heldIps(service, settings.prefixes);
      if (ips.length === 0) return [];
      return [`kubectl annotate service --overwrite -n ${service.namespace} ${service.name} minilb/address=${ips.join(',')}\n`];
    })
    .join('');
}
