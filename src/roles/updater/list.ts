import { type ListedBackend, listBackends } from '../../core/proxy/list-backends.ts';
import { toHeldFile } from '../../core/proxy/plan-change.ts';
import { ok, type Result } from '../../core/value/result.ts';
import type { ProxyHost } from '../../shell/proxy/go-live.ts';
import { readBoundPorts } from '../../shell/proxy/program.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { createProxyHost } from './proxy-host.ts';

/** `minilb updater list`: what the folder holds and what of it listens, also while no updater runs. */
export async function printBackends(context: RoleContext<'updater'>): Promise<ExitCode> {
  const backends = await readBackends(createProxyHost(context));
  if (!backends.ok) return giveUp(context, backends.detail);
  context.stdout(renderTable(backends.value));
  return 0;
}

/** Reads the folder and the kernel's socket tables. */
export async function readBackends(host: ProxyHost): Promise<Result<readonly ListedBackend[], 'io'>> {
  const texts = await host.files.read();
  if (!texts.ok) return texts;
  const files = [...texts.value].map(([name, text]) => toHeldFile(name, text, host.adapter));
  return ok(listBackends(files, readBoundPorts()));
}

function renderTable(backends: readonly ListedBackend[]): string {
  const rows = [
    ['BACKEND', 'PORT', 'STATE', 'OWNER', 'UPSTREAMS'],
    ...backends.map((each) => [
      each.backendName,
      `${each.lbPort}/${each.lbProtocol}`,
      each.state,
      each.owner || '-',
      each.upstreamServers.join(',') || '-',
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
