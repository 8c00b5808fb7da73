import { type DnsName, parseDnsName } from '../value/dns-name.ts';
import { type Cidr, type Ip, ipFamily, parseCidr, parseIp } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';

/** How the text of a setting becomes its value. A failed `parse` says in `detail` what follows the quoted text: `is not …`. */
export interface Kind<T> {
  /** What help prints after the flag: `seconds`, `address:port`; empty for a toggle. */
  readonly unit: string;
  /** The values that are allowed, in words; empty when the unit says it all. */
  readonly bounds: string;
  /** Takes a value only with `=`; the flag alone means true. */
  readonly toggle: boolean;
  /** Comma-separated; the flag may be repeated and its values are joined. */
  readonly list: boolean;
  readonly parse: (text: string) => Result<T, 'bad-value'>;
}

/** Where a server listens: `ip` is absent for every local address of both families. */
export interface SocketAddress {
  readonly ip?: Ip;
  readonly port: number;
}

/** One `-nameserver` value: the name the apex NS record shows, and an address it has. */
export interface NameServer {
  readonly name: DnsName;
  readonly address: Ip;
}

/** A server to send to. */
export interface ServerAddress {
  readonly ip: Ip;
  readonly port: number;
}

/** One `-forward-clients` entry: `+` adds to the default networks, without it the list takes their place. */
export interface ClientRange {
  readonly cidr: Cidr;
  readonly added: boolean;
}

const DNS_PORT = 53;
/** Ports from `low` to `high`, both included. */
export interface PortRange {
  readonly low: number;
  readonly high: number;
}

const TEXT_LENGTH_MAX = 4096;
const LIST_LENGTH_MAX = 256;
/** `<63>.<63>.<domain>` must fit into the 253 characters of a name (RFC 1035 §2.3.4). */
const DOMAIN_LENGTH_MAX = 253 - 2 * 64;
/** core/v1 `spec.loadBalancerClass`: a label-style identifier with an optional prefix. */
const CLASS = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

const KIND = { unit: '', bounds: '', toggle: false, list: false };

/** A whole number in [min, max]; `unit` names what it counts: `seconds`, `addresses`. */
export function wholeNumber(unit: string, min: number, max: number): Kind<number> {
  const bounds = `${min} to ${max}`;
  return {
    ...KIND,
    unit,
    bounds,
    parse: (text) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? ok(value) : err('bad-value', `is not a whole number of ${unit} from ${bounds}`);
    },
  };
}

/** True or false, in the spellings of Go's strconv.ParseBool. */
export const toggle: Kind<boolean> = {
  ...KIND,
  bounds: 'true or false',
  toggle: true,
  parse: (text) => {
    if (/^(1|t|true|T|True|TRUE)$/.test(text)) return ok(true);
    return /^(0|f|false|F|False|FALSE)$/.test(text) ? ok(false) : err('bad-value', 'is neither true nor false');
  },
};

export function choice<const V extends string>(...values: readonly V[]): Kind<V> {
  return {
    ...KIND,
    unit: values.join('|'),
    parse: (text) => {
      const value = values.find((known) => known === text);
      return value === undefined ? err('bad-value', `is not one of ${values.join(', ')}`) : ok(value);
    },
  };
}

/** Any text without control characters; may be empty. */
export function words(unit: string): Kind<string> {
  return {
    ...KIND,
    unit,
    parse: (text) => {
      if (text.length > TEXT_LENGTH_MAX) return err('bad-value', `is longer than ${TEXT_LENGTH_MAX} characters`);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      return /[\u0000-\u001f\u007f]/.test(text) ? err('bad-value', 'holds control characters') : ok(text);
    },
  };
}

/**
 * The zone's apex, lower-cased. Names below it become `status.loadBalancer.ingress[].hostname`, which the API server holds to
 * RFC 1123: no underscore, no wildcard.
 */
export const domain: Kind<DnsName> = {
  ...KIND,
  unit: 'name',
  bounds: `at most ${DOMAIN_LENGTH_MAX} characters`,
  parse: (text) => {
    const name = parseDnsName(text);
    if (!name.ok) return err('bad-value', `is not a domain name: ${name.detail}`);
    if (/[_*]/.test(name.value)) return err('bad-value', 'is not a host name: only letters, digits and - (RFC 1123)');
    if (name.value.length <= DOMAIN_LENGTH_MAX) return name;
    return err('bad-value', `leaves no room for <service>.<namespace> before it: at most ${DOMAIN_LENGTH_MAX} characters`);
  },
};

export const loadBalancerClass: Kind<string> = {
  ...KIND,
  unit: 'class',
  parse: (text) => (CLASS.test(text) ? ok(text) : err('bad-value', 'is not a load balancer class such as minilb or example.com/minilb')),
};

/** `:port` (every address), `address:port` or `[v6]:port`; port 0 lets the system choose. */
export const socketAddress: Kind<SocketAddress> = {
  ...KIND,
  unit: 'address:port',
  parse: (text) => {
    const bad = err('bad-value', 'is not [address]:port, for example :53, 192.168.1.5:53 or [fd00::5]:53');
    const parts = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
    const port = Number(parts?.[3] ?? Number.NaN);
    if (!parts || !(port <= 65535)) return bad;
    const host = parts[1] ?? parts[2] ?? '';
    if (host === '') return ok({ port });
    const ip = parseIp(host);
    return ip ? ok({ ip, port }) : bad;
  },
};

/** The same, or the empty text for none. */
export const optionalSocketAddress: Kind<SocketAddress | undefined> = {
  ...socketAddress,
  parse: (text) => (text === '' ? ok(undefined) : socketAddress.parse(text)),
};

/** One or more of `socketAddress`. */
export const socketAddresses: Kind<readonly SocketAddress[]> = {
  ...socketAddress,
  list: true,
  parse: (text) => {
    const values: SocketAddress[] = [];
    for (const item of text.split(',').slice(0, LIST_LENGTH_MAX)) {
      const value = socketAddress.parse(item.trim());
      if (!value.ok) return value;
      values.push(value.value);
    }
    return ok(values);
  },
};

export const cidrs: Kind<readonly Cidr[]> = listOf('cidr', (item) => parseCidr(item), 'an address/bits such as 10.244.0.0/16');

export const addresses: Kind<readonly Ip[]> = listOf('address', (item) => parseIp(item), 'an IPv4 or IPv6 address');

/** One address of a family, or the empty text for none. */
export function optionalAddress(family: 4 | 6): Kind<Ip | undefined> {
  return {
    ...KIND,
    unit: 'address',
    parse: (text) => {
      const ip = parseIp(text);
      if (text === '') return ok(undefined);
      return ip && ipFamily(ip) === family ? ok(ip) : err('bad-value', `is not an IPv${family} address`);
    },
  };
}

/** DNS servers: `address`, `address:port` or `[v6]:port`. */
export const dnsServers: Kind<readonly ServerAddress[]> = listOf(
  'address[:port]',
  toServerAddress,
  'an address with or without a port, such as 192.168.1.1, 127.0.0.1:5335 or [fd00::1]:53',
);

export const clientRanges: Kind<readonly ClientRange[]> = listOf(
  '[+]cidr',
  toClientRange,
  'an address/bits such as 203.0.113.0/24, or +203.0.113.0/24',
);
export const portRanges: Kind<readonly PortRange[]> = listOf('port-port', toPortRange, 'a port or a range such as 1024-65535');

function toPortRange(text: string): PortRange | undefined {
  const [low, high = low] = (/^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text)?.slice(1) ?? []).filter((part) => part !== undefined).map(Number);
  return low !== undefined && high !== undefined && low >= 1 && low <= high && high <= 65535 ? { low, high } : undefined;
}

export const nameServers: Kind<readonly NameServer[]> = listOf(
  'name=address',
  toNameServer,
  'a name=address such as ns1.example.com=192.168.1.5',
);

function toServerAddress(text: string): ServerAddress | undefined {
  const plain = parseIp(text);
  if (plain) return { ip: plain, port: DNS_PORT };
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const ip = parseIp(parts?.[1] ?? parts?.[2]);
  const port = Number(parts?.[3] ?? DNS_PORT);
  return ip && port > 0 && port <= 65535 ? { ip, port } : undefined;
}

function toClientRange(text: string): ClientRange | undefined {
  const added = text.startsWith('+');
  const cidr = parseCidr(added ? text.slice(1) : text);
  return cidr && { cidr, added };
}

function toNameServer(text: string): NameServer | undefined {
  const at = text.indexOf('=');
  const name = parseDnsName(at < 0 ? '' : text.slice(0, at));
  const address = parseIp(text.slice(at + 1));
  return name.ok && address && !name.value.includes('*') ? { name: name.value, address } : undefined;
}

/** Comma-separated items; `what` says in a message what one should be. */
export function listOf<T>(unit: string, parseItem: (item: string) => T | undefined, what: string): Kind<readonly T[]> {
  return {
    ...KIND,
    unit,
    list: true,
    parse: (text) => {
      const items = text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
      if (items.length > LIST_LENGTH_MAX) return err('bad-value', `has more than ${LIST_LENGTH_MAX} entries`);
      const values: T[] = [];
      for (const item of items) {
        const value = parseItem(item);
        if (value === undefined)
          return err('bad-value', items.length === 1 ? `is not ${what}` : `has an entry, ${quote(item)}, that is not ${what}`);
        values.push(value);
      }
      return ok(values);
    },
  };
}

/** Text from outside, fit for one line of a message. */
export function quote(text: string): string {
  const short = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return JSON.stringify(short).replace(/[\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
