import type { SoundRoute } from '../plan/held-routes.ts';
import { cidrText, ipFamily } from '../value/ip.ts';

/** The routed networks by family, as text. */
export interface PodNetworks {
  readonly 4: readonly string[];
  readonly 6: readonly string[];
}

/** How one kind of router is told. Rules come as they are typed there; `renderRouteLines` makes comments of them. */
export interface Dialect {
  /** What begins a comment: `#`, `!`. */
  readonly sign: string;
  /** False: our tests have no program that could judge it, and the text says so. */
  readonly tried: boolean;
  /** Where the lines go, one sentence a line. */
  readonly notes: readonly string[];
  readonly routes: (routes: readonly SoundRoute[]) => readonly string[];
  /** Lets new connections through to ports 80 and 443 of the pods only. */
  readonly firewall: (pods: PodNetworks) => readonly string[];
  /** Lets a stateful firewall pass connections of which it sees one direction. */
  readonly asymmetric: (pods: PodNetworks) => readonly string[];
}

export const FAMILIES = [4, 6] as const;

/** Lines for each family that has pods. */
export function perFamily(pods: PodNetworks, lines: (cidrs: readonly string[], family: 4 | 6) => readonly string[]): readonly string[] {
  return FAMILIES.flatMap((family) => (pods[family].length === 0 ? [] : lines(pods[family], family)));
}

export function podNetworks(routes: readonly SoundRoute[]): PodNetworks {
  const of = (family: 4 | 6) => routes.filter(({ cidr }) => ipFamily(cidr.address) === family).map(({ cidr }) => cidrText(cidr));
  return { 4: of(4), 6: of(6) };
}

export function isIpv6({ cidr }: SoundRoute): boolean {
  return ipFamily(cidr.address) === 6;
}
