import { hostname } from 'node:os';
import { explainName } from '../../core/explain/explain.ts';
import type { StatusReport } from '../../core/page/api-schema.ts';
import { listClaims } from '../../core/page/claims-listing.ts';
import { forwarderRows } from '../../core/page/forwarder-rows.ts';
import { shortListing } from '../../core/page/listing.ts';
import { listNames } from '../../core/page/names-listing.ts';
import { listResolvers } from '../../core/page/resolver-listing.ts';
import { routeRows, routeTexts } from '../../core/page/route-rows.ts';
import { SECTIONS } from '../../core/page/sections.ts';
import type { RoutePlan } from '../../core/plan/routes.ts';
import type { ServerAddress } from '../../core/settings/kinds.ts';
import type { Zone } from '../../core/zone/zone.ts';
import type { Upstream } from '../../shell/dns/upstream-pool.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import type { PageSource } from '../../shell/page/page-server.ts';
import { statusOf } from '../page-status.ts';
import type { RoleContext } from '../role.ts';
import type { ClusterFeed } from './cluster-feed.ts';

const DNS_PORT = 53;

/** What the page shows of a server that answers DNS. */
export interface DnsPageFacts {
  readonly context: RoleContext<'dns'>;
  readonly client: KubeClient;
  readonly zone: Zone;
  readonly feed: ClusterFeed;
  readonly startedAtMs: number;
  readonly syncedAtMs: () => number | undefined;
  /** Grows whenever names, claims or the readiness of endpoints may have changed. */
  readonly revision: () => number;
  /** Undefined before the first plan. */
  readonly routes: () => RoutePlan | undefined;
  /** Absent without `-upstream`. */
  readonly upstreams?: readonly Upstream[];
}

/** The page's parts for the DNS role; loaded when somebody looks. */
export function dnsPage(facts: DnsPageFacts): PageSource {
  const { context, zone, feed, upstreams } = facts;
  const { settings, clock, version } = context;
  const head = {
    ...facts,
    role: 'dns',
    instance: settings.serverId || hostname(),
    subject: `zone ${settings.domain}`,
    kinds: feed.kinds,
    waiting: feed.waiting,
    facts: () => figures(facts),
    sections: () => {
      const revision = String(facts.revision());
      const always = [
        { ...SECTIONS.names, revision },
        { ...SECTIONS.claims, revision },
        { ...SECTIONS.routes, revision: '' },
        { ...SECTIONS.resolver, revision },
      ];
      return upstreams ? [...always, { ...SECTIONS.forwarder, revision: '' }] : always;
    },
  };
  return {
    status: () => statusOf(head, version, clock),
    explain: (name) =>
      explainName(name, {
        zone,
        view: feed.view,
        services: feed.services.values,
        claimants: feed.claimants,
        synced: facts.syncedAtMs() !== undefined,
        forwarding: upstreams !== undefined,
        fallthrough: settings.fallthrough,
      }),
    lists: {
      names: (query) => listNames(query, { zone, view: feed.view }),
      claims: (query) => listClaims(query, zone.claims),
      routes: () => {
        const plan = facts.routes();
        return plan ? shortListing(routeRows(plan), routeTexts(plan)) : shortListing([]);
      },
      resolver: () => listResolvers(zone, serversOf(facts)),
      ...(upstreams && { forwarder: () => shortListing(forwarderRows(upstreams, clock.now())) }),
    },
  };
}

/**
 * Where resolvers reach this server: by the addresses that its NS record has, which are the node's in a Pod, and there port 53; without
 * these it says itself where it listens.
 */
function serversOf({ zone, context: { settings } }: DnsPageFacts): readonly ServerAddress[] {
  const told = settings.nameServers.length > 0 || settings.hostIps.length > 0;
  const port = told ? DNS_PORT : (settings.listen[0]?.port ?? DNS_PORT);
  if (port === 0) return [];
  return zone.nameservers().flatMap(({ addresses }) => addresses.map((ip) => ({ ip, port })));
}

function figures({ feed }: DnsPageFacts): StatusReport['facts'] {
  return [
    { label: 'Services', value: number(feed.services.size()) },
    { label: 'EndpointSlices', value: number(feed.slices.size()) },
    { label: 'Nodes', value: feed.nodesKnown() ? number(feed.nodes.size()) : 'may not be read' },
  ];
}

function number(value: number): string {
  return value.toLocaleString('en');
}
