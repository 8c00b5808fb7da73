import type { ExplainFacts } from '../../core/explain/explain.ts';
import type { DnsName } from '../../core/value/dns-name.ts';
import type { RoleContext } from '../role.ts';

/**
 * Serves on `-page` why names answer what they do, until `signal` aborts. DNS does not depend on it: a port that is taken, as when two run on
 * one host, is a warning, and `minilb explain` then works it out from the cluster.
 */
export async function servePage(context: RoleContext<'dns'>, facts: () => ExplainFacts, signal: AbortSignal): Promise<void> {
  const { settings, log } = context;
  if (settings.page === undefined) return;
  const { createPageServer } = await import('../../shell/telemetry/page-server.ts');
  const explain = async (name: DnsName) => {
    const { explainName } = await import('../../core/explain/explain.ts');
    return explainName(name, facts());
  };
  const page = createPageServer({ listen: settings.page, explain }, signal);
  const ready = await page.ready;
  if (!ready.ok) log.warn(`${ready.detail}; DNS is served all the same`);
  await page.closed;
}
