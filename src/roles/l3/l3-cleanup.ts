import { type AnnouncementReport, announcedElsewhere, planAnnouncements } from '../../core/plan/announcements.ts';
import { ownedAddresses } from '../../core/plan/node-addresses.ts';
import { prefixFaults } from '../../core/plan/route-prefixes.ts';
import type { Ip } from '../../core/value/ip.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { createGuard } from '../../shell/node/guard.ts';
import { createNodeAddresses } from '../../shell/node/ip-addresses.ts';
import { createProcessRunner } from '../../shell/system/run-process.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { lookAtCluster } from './look.ts';

/**
 * `minilb l3 cleanup`: takes minilb's addresses and the guard off this node, and nothing else; without `-yes` only the plan is printed. It
 * names the Services that no other node announces. The agent must be stopped first, or it puts them back.
 */
export async function cleanupNode(context: RoleContext<'l3'>, client: KubeClient): Promise<ExitCode> {
  const { settings, stdout, stderr, signal, clock } = context;
  const faults = prefixFaults(settings.prefixes);
  if (faults.length > 0) return giveUp(context, faults.join('; '));
  const run = createProcessRunner(clock);
  const addresses = createNodeAddresses(run, settings.interface);
  const state = await addresses.read(signal);
  if (!state.ok) return giveUp(context, state.detail);
  const look = await lookAtCluster(context, client);
  if (!look.ok) stderr(`minilb l3 cleanup: the cluster cannot be read, so whose last address this is stays unknown: ${look.detail}\n`);
  const untouchable = new Set(look.ok ? (look.value.inputs.nodeOf(look.value.inputs.node)?.addresses ?? []) : []);
  const { prefixes, adopt } = settings;
  // An unmarked address may be the node's own, and only the API says so.
  const remove = ownedAddresses(state.value.addresses, { prefixes, interface: settings.interface, untouchable, adopt: adopt && look.ok });
  const reports = look.ok ? planAnnouncements(look.value.inputs).reports : [];
  const elsewhere = look.ok ? announcedElsewhere(look.value.inputs, look.value.nodes) : new Set();
  stdout(`Context ${client.context} (${client.server}), interface ${settings.interface}\n`);
  for (const ip of remove) {
    const report = reports.find((one) => one.ip === ip && one.kind !== 'withdraw');
    stdout(`remove ${ip}${describe(report, !elsewhere.has(ip))}\n`);
  }
  const guard = createGuard(run);
  const guarded = Bun.which('nft') ? await guard.isThere(signal) : undefined;
  const hasGuard = guarded?.ok === true && guarded.value;
  if (hasGuard) stdout('remove the guard (an nftables table)\n');
  if (!settings.yes) {
    stdout(`${remove.length} to remove. Nothing was changed: -yes does it. Stop the agent first, or it puts them back.\n`);
    return 0;
  }
  return act(context, remove, addresses, hasGuard ? () => guard.remove(signal) : undefined);
}

async function act(
  context: RoleContext<'l3'>,
  remove: readonly Ip[],
  addresses: ReturnType<typeof createNodeAddresses>,
  removeGuard: (() => Promise<{ readonly ok: boolean; readonly detail?: string }>) | undefined,
): Promise<ExitCode> {
  const outcome = await addresses.apply({ add: [], adopt: [], remove }, context.signal);
  if (!outcome.ok) return giveUp(context, outcome.detail);
  if (outcome.value.failed > 0) return giveUp(context, `${outcome.value.failed} of ${remove.length} not removed: ${outcome.value.detail}`);
  const unguarded = await removeGuard?.();
  if (unguarded && !unguarded.ok) return giveUp(context, `the guard was not removed: ${unguarded.detail ?? ''}`);
  context.stdout(`${remove.length} removed.\n`);
  return 0;
}

function describe(report: AnnouncementReport | undefined, last: boolean): string {
  if (!report) return '';
  return last ? `  ${report.service}: NO OTHER NODE ANNOUNCES IT` : `  ${report.service}`;
}
