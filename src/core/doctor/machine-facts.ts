import type { ProbeResult } from '../reachability/reachability.ts';
import type { ServerAddress } from '../settings/kinds.ts';
import type { DnsName } from '../value/dns-name.ts';
import type { Cidr, Ip } from '../value/ip.ts';

/** What came of one question. */
export type Said =
  | { readonly kind: 'answer'; readonly rcode: 'NOERROR' | 'NXDOMAIN'; readonly records: readonly string[] }
  /** An RCODE that is no answer, or an answer that cannot be read. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'silent' };

/** A place where minilb answers, and what it answered to a probe from here. */
export interface ServerFact {
  /** `Pod minilb/dns-1`, or `-server`. */
  readonly who: string;
  readonly at: ServerAddress;
  readonly probe: Said;
}

/** A name that minilb has addresses for, and what the resolver says of it. */
export interface ComparedName {
  readonly name: DnsName;
  /** AAAA where there are no IPv4 addresses. */
  readonly type: 'A' | 'AAAA';
  readonly direct: readonly string[];
  readonly said: Said;
}

/** How the resolver keeps answers: one probe name asked three times, in another answer each time it reaches minilb. */
export interface Staleness {
  /** What the answers allow. */
  readonly ttlSeconds: number;
  /** Between the first two questions. */
  readonly waitedSeconds: number;
  /** The second answer was the first, and so was the third, asked right after it. */
  readonly same: boolean;
  readonly sameAgain: boolean;
}

/** A resolver of this machine. */
export interface ResolverFact {
  readonly at: ServerAddress;
  /** What it says it is (`version.bind`, RFC 4892); empty when it does not. */
  readonly program: string;
  /** Absent while no server of minilb answers: then there is nothing to reach. */
  readonly probe: Said | undefined;
  /** The same with CD, which turns validation off (RFC 4035 §3.2.2). */
  readonly unchecked: Said | undefined;
  /** The root's name servers: whether it resolves anything. */
  readonly root: Said;
  readonly host: ComparedName | undefined;
  readonly claimed: ComparedName | undefined;
  /** A name beside the claimed one that nobody claims. */
  readonly sibling: { readonly name: DnsName; readonly said: Said } | undefined;
  readonly staleness: Staleness | undefined;
}

/** What a connection to a pod came to: `stuck` opened and then passed nothing. */
export type PathResult = 'passes' | 'refused' | 'stuck' | 'silent' | 'no-route';

/** A ready endpoint, and the way there from here. */
export interface PathFact {
  readonly node: string;
  readonly address: Ip;
  readonly port: number;
  readonly result: PathResult;
  /** Whether the Node itself answers from here. */
  readonly nodeAlive: ProbeResult;
  /** The gateway that the kernel would use; absent when the address is on link, or there is none. */
  readonly hop: Ip | undefined;
}

/** A route of the kernel's main table. */
export interface KernelRoute {
  readonly destination: Cidr;
  readonly via: Ip | undefined;
}

/** What was seen from this machine. */
export interface MachineFacts {
  readonly servers: readonly ServerFact[];
  readonly resolvers: readonly ResolverFact[];
  readonly ownAddresses: readonly Ip[];
  readonly paths: readonly PathFact[];
  readonly kernelRoutes: readonly KernelRoute[];
  /** The primary server of a zone called `-domain` that is not ours, and who told; absent when there is none. */
  readonly foreignZone: { readonly primary: string; readonly by: Ip } | undefined;
}
