import type { SettingsFor } from '../../settings.ts';

/** What is wrong with flags that are each right by themselves; `undefined` when nothing is. */
export function usageFault(settings: SettingsFor<'routes'>): string | undefined {
  const { routeFormat, gateway } = settings;
  if (routeFormat === 'dhcp121' && !gateway)
    return '-format dhcp121 needs -gateway, the default gateway of the clients: those that get option 121 ignore that of option 3 (RFC 3442)';
  if (routeFormat !== 'dhcp121' && gateway) return '-gateway is for -format dhcp121 alone';
  return undefined;
}
