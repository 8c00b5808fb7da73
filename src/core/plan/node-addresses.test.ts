import { describe, expect, test } from 'bun:test';
import { seededRandom } from '../../../test/support/random.ts';
import { cidr, ips } from '../../../test/support/route-values.ts';
import { ip } from '../../../test/support/values.ts';
import type { Ip } from '../value/ip.ts';
import { type HeldAddress, MARK_METRIC, ownedAddresses, planAddresses } from './node-addresses.ts';

const prefixes = [cidr('10.0.100.0/24'), cidr('fd00:100::/64')];
const held = (text: string, over: Partial<HeldAddress> = {}): HeldAddress => ({
  interface: 'lo',
  ip: ip(text),
  bits: text.includes(':') ? 128 : 32,
  metric: MARK_METRIC,
  ...over,
});
const none = ips();

interface Row {
  readonly held?: readonly HeldAddress[];
  readonly desired?: readonly string[];
  readonly keep?: readonly string[];
  readonly managed?: readonly string[];
  readonly untouchable?: readonly string[];
}

const rows: readonly [name: string, row: Row, result: string][] = [
  ['absent and desired: added', { desired: ['10.0.100.1', 'fd00:100::1'] }, 'add 10.0.100.1, add fd00:100::1'],
  ['ours and desired: held', { held: [held('10.0.100.1')], desired: ['10.0.100.1'] }, 'hold 10.0.100.1'],
  ['ours and no longer desired: removed', { held: [held('10.0.100.1'), held('fd00:100::1')] }, 'remove 10.0.100.1, remove fd00:100::1'],
  ['ours and kept: held', { held: [held('10.0.100.1')], keep: ['10.0.100.1'] }, 'hold 10.0.100.1'],
  ['absent and kept: not begun', { keep: ['10.0.100.1'] }, ''],
  [
    'the seed’s leftover of a managed Service: adopted in place',
    { held: [held('10.0.100.1', { metric: 0 })], desired: ['10.0.100.1'], managed: ['10.0.100.1'] },
    'adopt 10.0.100.1',
  ],
  [
    'the seed’s leftover that is not to be here: adopted, so that the next plan removes it',
    { held: [held('10.0.100.1', { metric: 0 })], managed: ['10.0.100.1'] },
    'adopt 10.0.100.1',
  ],
  ['another program’s /32 in the prefix', { held: [held('10.0.100.9', { metric: 0 })] }, 'AddressForeign 10.0.100.9'],
  ['another program’s metric is no mark', { held: [held('10.0.100.9', { metric: 7711 })] }, 'AddressForeign 10.0.100.9'],
  [
    'a /24 in the prefix, though marked and desired, is no address of ours and is not doubled',
    { held: [held('10.0.100.1', { bits: 24 })], desired: ['10.0.100.1'] },
    'AddressForeign 10.0.100.1',
  ],
  ['marked but outside the prefixes', { held: [held('192.0.2.1')] }, 'AddressOutsidePrefix 192.0.2.1'],
  ['unmarked outside the prefixes is no matter of ours', { held: [held('127.0.0.1', { bits: 8, metric: 0 })] }, ''],
  [
    'the same address on kube-ipvs0 counts for nothing',
    { held: [held('10.0.100.1', { interface: 'kube-ipvs0', metric: 0 })], desired: ['10.0.100.1'] },
    'add 10.0.100.1',
  ],
  ['marked on another interface: left alone', { held: [held('10.0.100.1', { interface: 'eth0' })] }, ''],
  ['an address of the Node is not added', { desired: ['10.0.100.1'], untouchable: ['10.0.100.1'] }, 'AddressOfNode 10.0.100.1'],
  [
    'an address of the Node is not removed, though marked, nor adopted',
    { held: [held('10.0.100.1')], managed: ['10.0.100.1'], untouchable: ['10.0.100.1'] },
    '',
  ],
  ['desired outside the prefixes: never', { desired: ['192.0.2.1', '0.0.0.0', '224.0.0.1'] }, ''],
];

const set = (texts: readonly string[] | undefined) => ips(...(texts ?? []));

function run(row: Row) {
  return planAddresses({
    held: row.held ?? [],
    desired: set(row.desired),
    keep: set(row.keep),
    managed: set(row.managed),
    untouchable: set(row.untouchable),
    prefixes,
    interface: 'lo',
  });
}

describe('addresses of a node (the table of planAddresses)', () => {
  test.each(rows)('%s', (_, row, result) => {
    const { add, adopt, remove, hold, notices } = run(row);
    const words = Object.entries({ add, adopt, remove, hold }).flatMap(([word, list]) => list.map((each) => `${word} ${each}`));
    expect([...words, ...notices.map((notice) => `${notice.code} ${notice.ip}`)].join(', ')).toBe(result);
  });
});

describe('thousands of rounds with both kinds of addresses', () => {
  test('the plan converges in two steps, then changes nothing, and what is foreign stays as it was', () => {
    const random = seededRandom(7710);
    const pick = (n: number) => Math.floor(random() * n);
    const address = () => (random() < 0.5 ? ip(`10.0.100.${pick(40)}`) : ip(`fd00:100::${(pick(40) + 1).toString(16)}`));
    let kernel: HeldAddress[] = [];
    for (let round = 0; round < 3000; round++) {
      for (let i = pick(4); i > 0; i--) {
        const metric = [0, 0, 12, MARK_METRIC][pick(4)] ?? 0;
        const one = held(address(), { metric, interface: random() < 0.8 ? 'lo' : 'eth0' });
        if (!kernel.some((other) => other.ip === one.ip && other.interface === one.interface)) kernel.push(one);
      }
      if (kernel.length > 60) kernel = kernel.slice(pick(50));
      const desired = new Set<Ip>(Array.from({ length: pick(12) }, address));
      const inputs = { desired, keep: none, managed: desired, untouchable: ips('10.0.100.3'), prefixes, interface: 'lo' };
      const foreign = kernel.filter((one) => one.interface !== 'lo' || (one.metric !== MARK_METRIC && !desired.has(one.ip)));
      kernel = apply(kernel, planAddresses({ ...inputs, held: kernel }));
      const again = planAddresses({ ...inputs, held: kernel });
      expect([again.add, again.remove, again.adopt].flat()).toEqual([]);
      expect(foreign.filter((one) => !kernel.includes(one))).toEqual([]);
      for (const each of desired)
        if (each !== '10.0.100.3') expect(kernel.some((one) => one.ip === each && one.interface === 'lo')).toBe(true);
    }
  });
});

function apply(kernel: readonly HeldAddress[], plan: ReturnType<typeof planAddresses>): HeldAddress[] {
  const kept = kernel.filter((one) => one.interface !== 'lo' || !plan.remove.includes(one.ip));
  const marked = kept.map((one) => (one.interface === 'lo' && plan.adopt.includes(one.ip) ? { ...one, metric: MARK_METRIC } : one));
  return [...marked, ...plan.add.map((each) => held(each))];
}

test('cleanup removes what is ours; with -adopt also unmarked ones of full width, never a Node’s or a wider one', () => {
  const addresses = [
    held('10.0.100.1'),
    held('10.0.100.2', { metric: 0 }),
    held('10.0.100.3', { metric: 0 }),
    held('10.0.100.4', { bits: 24 }),
    held('10.0.100.5', { interface: 'eth0' }),
    held('192.0.2.1'),
  ];
  const owned = (adopt: boolean) => ownedAddresses(addresses, { prefixes, interface: 'lo', untouchable: ips('10.0.100.3'), adopt });
  expect(owned(false)).toEqual([ip('10.0.100.1')]);
  expect(owned(true)).toEqual([ip('10.0.100.1'), ip('10.0.100.2')]);
});
