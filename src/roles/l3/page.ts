import { addressRows, type NodeView } from '../../core/page/address-rows.ts';
import { arrayListing } from '../../core/page/listing.ts';
import { SECTIONS } from '../../core/page/sections.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import type { PageSource } from '../../shell/page/page-server.ts';
import { statusOf } from '../page-status.ts';
import type { RoleContext } from '../role.ts';
import type { L3Feed } from './l3-feed.ts';

/** What the page shows of a node's agent. */
export interface L3PageFacts {
  readonly context: RoleContext<'l3'>;
  readonly client: KubeClient;
  readonly node: string;
  readonly feed: L3Feed;
  readonly startedAtMs: number;
  readonly syncedAtMs: () => number | undefined;
  readonly waiting: () => readonly string[];
  /** The last comparison; undefined before the first. */
  readonly view: () => NodeView | undefined;
}

/** The page's parts for the agent of one node; loaded when somebody looks. */
export function l3Page(facts: L3PageFacts): PageSource {
  const { context, feed, node, view } = facts;
  const { addresses } = SECTIONS;
  const rows = () => {
    const seen = view();
    return seen ? addressRows(seen) : [];
  };
  const head = {
    ...facts,
    role: 'l3',
    instance: node,
    subject: `node ${node}`,
    kinds: feed.kinds,
    facts: () => [
      { label: 'Held here', value: String(rows().filter(({ state }) => state === 'held').length) },
      { label: 'Interface', value: context.settings.interface },
    ],
    sections: () => [{ ...addresses, revision: '' }],
  };
  return {
    status: () => statusOf(head, context.version, context.clock),
    lists: { addresses: (query) => arrayListing(rows(), query, addresses.identity) },
  };
}
