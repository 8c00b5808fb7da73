import { type Listen, listenKey, type Protocol } from './backend.ts';

/** One table of /proc/net: `tcp`, `tcp6`, `udp` or `udp6`. */
export interface SocketTable {
  readonly protocol: Protocol;
  readonly family: 4 | 6;
  readonly text: string;
}

/** Which ports are bound. Both sets hold `listenKey` texts. */
export interface BoundPorts {
  /** Bound to every address of the family: TCP that listens, UDP that takes anybody's datagrams. */
  readonly everywhere: ReadonlySet<string>;
  /** Bound to any address at all, so that another program cannot bind the port to every address. */
  readonly anywhere: ReadonlySet<string>;
}

const TCP_LISTEN = '0A';
const UDP_UNCONNECTED = '07';

/** Reads the kernel's socket tables (proc(5), /proc/net/tcp). TCP connections are left out: they do not keep a port from listening. */
export function parseSocketTables(tables: readonly SocketTable[]): BoundPorts {
  const everywhere = new Set<string>();
  const anywhere = new Set<string>();
  for (const { protocol, family, text } of tables) {
    for (const match of text.matchAll(/^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /gm)) {
      const [, address = '', port = '', state = ''] = match;
      if (protocol === 'TCP' && state !== TCP_LISTEN) continue;
      const key = listenKey({ protocol, family, port: Number.parseInt(port, 16) });
      anywhere.add(key);
      if (/^0+$/.test(address) && (protocol === 'TCP' || state === UDP_UNCONNECTED)) everywhere.add(key);
    }
  }
  return { everywhere, anywhere };
}

/** Those that are not bound to every address. */
export function missingListens(bound: BoundPorts, wanted: readonly Listen[]): readonly Listen[] {
  return wanted.filter((listen) => !bound.everywhere.has(listenKey(listen)));
}

/** Those that another program keeps from being bound; an IPv6 socket may take the IPv4 port along. */
export function takenListens(bound: BoundPorts, wanted: readonly Listen[]): readonly Listen[] {
  return wanted.filter((listen) => bound.anywhere.has(listenKey(listen)) || bound.everywhere.has(listenKey({ ...listen, family: 6 })));
}
