import { encode, type Packet } from 'dns-packet';

/** Numbers that follow from the seed alone, so that a failure can be repeated. */
export interface Random {
  /** A whole number in [0, below). */
  readonly below: (below: number) => number;
  readonly bytes: (length: number) => Uint8Array;
}

/** mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return { below, bytes: (length) => Uint8Array.from({ length }, () => below(256)) };
}

/** `FUZZ_SEED` repeats a run; without it each run tries other packets. */
export function fuzzSeed(): number {
  return Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 0x1_0000_0000));
}

const NAMES = [
  'web.default.minilb',
  'WEB.Default.MiniLB',
  'db.default.minilb',
  'nobody.default.minilb',
  'minilb',
  'default.minilb',
  'a.b',
  'www.example.com',
  '',
];
/** NSID, COOKIE, EDE and an unknown one; dns-packet judges the data of some others itself. */
const OPTIONS = [3, 10, 15, 100];
const TYPES = ['A', 'AAAA', 'SOA', 'NS', 'TXT', 'SRV', 'ANY', 'PTR', 'CNAME', 'MX', 'DS', 'AXFR', 'OPT'];

/** Well-formed messages of many kinds; most are queries. */
export function validPacket(random: Random): Uint8Array {
  const pick = <T>(items: readonly T[]) => items[random.below(items.length)] as T;
  const question = () => ({ type: pick(TYPES), name: pick(NAMES), class: random.below(8) === 0 ? 'CH' : 'IN' });
  const record = () => ({ type: 'A', name: pick(NAMES), ttl: random.below(1000), data: '10.0.0.1' });
  const opt = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: random.below(65_536),
    ednsVersion: random.below(8) === 0 ? 1 : 0,
    flags: random.below(65_536),
    options: Array.from({ length: random.below(3) }, () => ({ code: pick(OPTIONS), data: Buffer.from(random.bytes(random.below(12))) })),
  };
  const packet: Packet = {
    type: random.below(10) === 0 ? 'response' : 'query',
    id: random.below(65_536),
    flags: random.below(4) === 0 ? random.below(65_536) & 0x7fff : 0x0100,
    questions: Array.from({ length: random.below(8) === 0 ? random.below(3) : 1 }, question),
    answers: Array.from({ length: random.below(8) === 0 ? random.below(3) : 0 }, record),
    authorities: Array.from({ length: random.below(8) === 0 ? random.below(3) : 0 }, record),
    additionals: Array.from({ length: random.below(2) === 0 ? 0 : random.below(8) === 0 ? 2 : 1 }, () => opt),
  };
  return new Uint8Array(encode(packet));
}

/** A packet as a hostile or broken sender might make it: random bytes, or a valid one that was cut, changed, joined or stretched. */
export function hostilePacket(random: Random): Uint8Array {
  if (random.below(10) === 0) return random.bytes(random.below(random.below(10) === 0 ? 4000 : 100));
  let packet = validPacket(random);
  for (let edits = random.below(4); edits > 0; edits--) packet = changed(packet, random);
  return packet;
}

function changed(packet: Uint8Array, random: Random): Uint8Array {
  const at = random.below(packet.length + 1);
  const copy = packet.slice();
  switch (random.below(7)) {
    case 0:
      return copy.subarray(0, at);
    case 1:
      copy[at] = random.below(256);
      return copy;
    case 2:
      copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
      return copy;
    case 3: {
      // A pointer to somewhere.
      const target = random.below(packet.length + 8);
      copy[at] = 0xc0 | (target >> 8);
      copy[at + 1] = target;
      return copy;
    }
    case 4:
      // Counts that promise too much.
      copy[4 + random.below(8)] = random.below(4) === 0 ? 255 : random.below(3);
      return copy;
    case 5:
      return Uint8Array.from([...copy.subarray(0, at), ...random.bytes(random.below(40)), ...copy.subarray(at)]);
    default:
      return Uint8Array.from([...copy, ...validPacket(random)]);
  }
}
