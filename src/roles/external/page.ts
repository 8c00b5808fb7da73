import { balancerRows } from '../../core/page/balancer-rows.ts';
import { arrayListing } from '../../core/page/listing.ts';
import { SECTIONS } from '../../core/page/sections.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import type { PageSource } from '../../shell/page/page-server.ts';
import { statusOf } from '../page-status.ts';
import type { RoleContext } from '../role.ts';
import type { ExternalFeed } from './external-feed.ts';

/** What the page shows of the operator. */
export interface ExternalPageFacts {
  readonly context: RoleContext<'external'>;
  readonly client: KubeClient;
  readonly instance: string;
  /** Undefined while another leads. */
  readonly feed: () => ExternalFeed | undefined;
  readonly leads: () => boolean;
  readonly startedAtMs: number;
  readonly syncedAtMs: () => number | undefined;
  readonly waiting: () => readonly string[];
}

/** The page's parts for the operator; loaded when somebody looks. */
export function externalPage(facts: ExternalPageFacts): PageSource {
  const { context, feed, leads } = facts;
  const { balancers } = SECTIONS;
  const rows = () => balancerRows(feed()?.balancers.values() ?? []);
  const head = {
    ...facts,
    role: 'external',
    subject: `class ${context.settings.loadBalancerClass}`,
    kinds: () => feed()?.kinds() ?? [],
    facts: () => [
      { label: 'Leads', value: leads() ? 'this one' : 'another' },
      { label: 'Load balancers', value: String(feed()?.balancers.size() ?? 0) },
    ],
    sections: () => [{ ...balancers, revision: '' }],
  };
  return {
    status: () => statusOf(head, context.version, context.clock),
    lists: { balancers: (query) => arrayListing(rows(), query, balancers.identity) },
  };
}
