import { suggestClaimHosts } from '../../core/claim/suggest-hosts.ts';
import type { Zone } from '../../core/zone/zone.ts';
import type { Log } from '../../shell/telemetry/log.ts';
import type { RoleContext } from '../role.ts';

type Settings = Pick<RoleContext<'dns'>['settings'], 'upstreams' | 'claimHosts' | 'fallthrough' | 'forwardClients'>;

/** Says at start which flags have no effect because there is no `-upstream`. */
export function warnOfIdleFlags(settings: Settings, log: Log): void {
  if (settings.upstreams.length > 0) return;
  const idle = [...(settings.fallthrough ? ['-fallthrough'] : []), ...(settings.forwardClients.length > 0 ? ['-forward-clients'] : [])];
  if (idle.length > 0) log.warn(`${idle.join(' and ')} without -upstream: nothing is forwarded`);
}

/** Says after the first sync that with `-upstream` and without `-claim-hosts` any namespace can take a public name for the whole LAN. */
export function warnOfOpenClaims(settings: Settings, zone: Zone, log: Log): void {
  if (settings.upstreams.length === 0 || settings.claimHosts.length > 0) return;
  const now = suggestClaimHosts(zone.claims.book);
  const value = now === undefined ? { hint: 'many names are claimed: allow them by wildcards' } : now === '' ? {} : { claimHosts: now };
  log.warn('-upstream without -claim-hosts: any namespace can claim any public name for everybody who asks minilb', value);
}
