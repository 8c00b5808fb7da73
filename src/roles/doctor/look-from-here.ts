import { readFileSync } from 'node:fs';
import type { ClusterFacts } from '../../core/doctor/facts.ts';
import type { MachineFacts } from '../../core/doctor/machine-facts.ts';
import { resolversIn } from '../../core/forward/real-zone.ts';
import type { ServerAddress } from '../../core/settings/kinds.ts';
import { parseIp } from '../../core/value/ip.ts';
import { readInterfaces } from '../../shell/dns/local-addresses.ts';
import type { RoleContext } from '../role.ts';
import { createAsking } from './asking.ts';
import type { Look } from './look.ts';
import { lookAtPaths } from './look-at-paths.ts';
import { lookAtResolvers } from './look-at-resolvers.ts';

const RESOLV_CONF = '/etc/resolv.conf';

/** What is seen from this machine: minilb, the resolver, the way to the pods. */
export async function lookFromHere(
  { settings, clock, random }: Pick<RoleContext<'doctor'>, 'settings' | 'clock' | 'random'>,
  facts: ClusterFacts,
  upstreams: readonly ServerAddress[],
  look: Look,
): Promise<MachineFacts> {
  const { servers, resolvers } = settings;
  const asking = createAsking(clock, look.signal);
  const wanted = { servers, upstreams, random, resolvers: resolvers.length > 0 ? resolvers : systemResolvers(look) };
  const names = await lookAtResolvers(asking, facts, wanted, look);
  const paths = await lookAtPaths(facts, clock, look);
  const ownAddresses = Object.values(readInterfaces()).flatMap((entries = []) => entries.flatMap(({ address }) => parseIp(address) ?? []));
  return { ...names, ...paths, ownAddresses };
}

function systemResolvers(look: Look): readonly ServerAddress[] {
  try {
    return resolversIn(readFileSync(RESOLV_CONF, 'utf8'));
  } catch (error) {
    look.missed(RESOLV_CONF, error instanceof Error ? error.message : String(error));
    return [];
  }
}
