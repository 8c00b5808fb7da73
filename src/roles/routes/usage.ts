import { cidrsOverlap, cidrText } from '../../core/value/ip.ts';
import type { SettingsFor } from '../../settings.ts';

/** What is wrong with flags that are each right by themselves; `undefined` when nothing is. */
export function usageFault(settings: SettingsFor<'routes'>): string | undefined {
  const { routeFormat, gateway, watch, apply, write, runCommand, cidrs, via } = settings;
  if (apply && watch) return '-apply and -watch are two things: start two processes';
  if (write !== '' && !watch) return '-write belongs to -watch';
  if (runCommand !== '' && write === '') return '-run belongs to -write';
  if (write !== '' && routeFormat === 'json') return '-write needs a format with comments, and json has none';
  if (apply || write !== '') {
    const flag = apply ? '-apply' : '-write';
    if (cidrs.length === 0) return `${flag} needs -cidrs, the networks that podCIDRs may lie in: for example -cidrs 10.244.0.0/16`;
    if (via.length === 0) return `${flag} needs -via, the networks that next hops may lie in: for example -via 192.168.1.0/24`;
    const clash = cidrs.find((cidr) => via.some((net) => cidrsOverlap(net, cidr)));
    if (clash) return `-cidrs ${cidrText(clash)} overlaps -via, the network of the Nodes themselves`;
  }
  if (routeFormat === 'dhcp121' && !gateway)
    return '-format dhcp121 needs -gateway, the default gateway of the clients: those that get option 121 ignore that of option 3 (RFC 3442)';
  if (routeFormat !== 'dhcp121' && gateway) return '-gateway is for -format dhcp121 alone';
  return undefined;
}
