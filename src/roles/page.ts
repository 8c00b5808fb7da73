import type { PageSource } from '../shell/page/page-server.ts';
import type { RoleContext } from './role.ts';

type Paged = Pick<RoleContext, 'log'> & { readonly settings: Pick<RoleContext<'dns'>['settings'], 'page'> };

/**
 * Serves the status page on `-page` until `signal` aborts. Nothing else depends on it: a port that is taken, as when two run on one host, is a
 * warning. `source` is called for each request, and may load its code at the first.
 */
export async function servePage({ settings, log }: Paged, source: () => Promise<PageSource>, signal: AbortSignal): Promise<void> {
  if (settings.page === undefined) return;
  const { createPageServer } = await import('../shell/page/page-server.ts');
  const page = createPageServer({ listen: settings.page, source }, signal);
  const ready = await page.ready;
  if (!ready.ok) log.warn(`${ready.detail}; everything else works all the same`);
  await page.closed;
}
