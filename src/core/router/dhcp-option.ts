import type { SoundRoute } from '../plan/held-routes.ts';
import { cidrText, type Ip, ipBytes } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import { isIpv6 } from './dialect.ts';

/** One DHCP option holds no more (RFC 2132 §2); splitting it over several (RFC 3396) is not understood by all clients. */
const OPTION_BYTES_MAX = 255;

/**
 * DHCP option 121, classless static routes (RFC 3442). The default route comes first: a client that gets this option ignores the router
 * of option 3, and would have no way to anywhere else. IPv6 has no such option.
 */
export function dhcpOption(routes: readonly SoundRoute[], gateway: Ip): Result<readonly string[], 'too-long'> {
  const own = routes.filter((route) => !isIpv6(route));
  const bytes = [0, ...ipBytes(gateway), ...own.flatMap(routeBytes)];
  if (bytes.length > OPTION_BYTES_MAX)
    return err(
      'too-long',
      `${own.length} routes take ${bytes.length} bytes, and a DHCP option holds ${OPTION_BYTES_MAX}: set the routes on the router`,
    );
  const pairs = [`0.0.0.0/0,${gateway}`, ...own.map(({ cidr, via }) => `${cidrText(cidr)},${via}`)];
  const kea = [`0.0.0.0/0 - ${gateway}`, ...own.map(({ cidr, via }) => `${cidrText(cidr)} - ${via}`)];
  return ok([
    `dhcp-option=option:classless-static-route,${pairs.join(',')}`,
    '# The same for Kea (2.5.5 or newer), as the data of the option classless-static-route:',
    `# ${kea.join(', ')}`,
    '# The same as bytes, for servers that want option 121 so (RouterOS: 0x…; OPNsense, ISC dhcpd: with colons):',
    `# ${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`,
  ]);
}

/** The prefix's length, as many bytes of it as matter, and the next hop. */
function routeBytes({ cidr, via }: SoundRoute): readonly number[] {
  return [cidr.bits, ...ipBytes(cidr.address).slice(0, Math.ceil(cidr.bits / 8)), ...ipBytes(via)];
}
