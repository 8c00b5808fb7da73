import { describe, expect, test } from 'bun:test';
import type { Ip } from '../value/ip.ts';
import { createReachability, PROBE_TIMEOUT_MS, PROBES_PER_SECOND_MAX, type ProbeResult } from './reachability.ts';

/** What a Node's kubelet does with a probe at a time. */
type Behaviour = (node: string, nowMs: number) => ProbeResult;

const STEP_MS = 5;

/** Lets time pass, with Nodes that answer as told; returns when the set of dead Nodes changed, and to what. */
function simulate(
  count: number,
  behaviour: Behaviour,
  untilMs: number,
  change?: (r: ReturnType<typeof createReachability>, nowMs: number) => void,
) {
  const reachability = createReachability();
  const targets = Array.from({ length: count }, (_, i) => ({ node: `n${i}`, address: `192.168.1.${i}` as Ip }));
  reachability.setTargets(targets, 0);
  const verdicts: (readonly [atMs: number, dead: string])[] = [];
  const sent: number[] = [];
  const underWay: { readonly endMs: number; readonly end: () => void }[] = [];
  for (let now = 0; now <= untilMs; now += STEP_MS) {
    change?.(reachability, now);
    for (const one of underWay.filter((each) => each.endMs <= now)) {
      underWay.splice(underWay.indexOf(one), 1);
      one.end();
    }
    const target = reachability.wakeAtMs() <= now ? reachability.next(now) : undefined;
    if (target) {
      const result = behaviour(target.node, now);
      const endMs = now + (result === 'silent' ? PROBE_TIMEOUT_MS : STEP_MS);
      sent.push(now);
      underWay.push({ endMs, end: () => reachability.finished(target, result, now, endMs) });
    }
    const dead = [...reachability.dead()].sort().join(' ');
    if (dead !== (verdicts.at(-1)?.[1] ?? '')) verdicts.push([now, dead]);
  }
  return { verdicts, sent };
}

const gone =
  (fromMs: number, toMs: number, ...nodes: readonly string[]): Behaviour =>
  (node, now) =>
    nodes.includes(node) && now >= fromMs && now < toMs ? 'silent' : 'alive';
const FOREVER = Number.POSITIVE_INFINITY;

describe('a Node that vanishes', () => {
  test('is judged within 4 s, whenever it vanishes', () => {
    for (let at = 3000; at < 4400; at += 35) {
      const { verdicts } = simulate(3, gone(at, FOREVER, 'n1'), at + 6000);
      expect(verdicts.map(([, dead]) => dead)).toEqual(['n1']);
      expect((verdicts[0]?.[0] ?? FOREVER) - at).toBeLessThan(4000);
    }
  });

  test('is alive again with its first answer', () => {
    const { verdicts } = simulate(3, gone(3000, 9000, 'n1'), 15_000);
    expect(verdicts.map(([, dead]) => dead)).toEqual(['n1', '']);
    expect((verdicts[1]?.[0] ?? FOREVER) - 9000).toBeLessThan(1500);
  });

  test('stays judged while a packet to another is lost now and then', () => {
    let probes = 0;
    const lossy: Behaviour = (node, now) => (node === 'n0' && ++probes % 5 === 0 ? 'silent' : gone(3000, FOREVER, 'n1')(node, now));
    expect(simulate(3, lossy, 60_000).verdicts.map(([, dead]) => dead)).toEqual(['n1']);
  });

  test('and another one with it, of six: both, for that is a third', () => {
    const { verdicts } = simulate(6, gone(3000, FOREVER, 'n1', 'n4'), 20_000);
    expect(verdicts.at(-1)?.[1]).toBe('n1 n4');
  });
});

describe('what keeps it from doing harm', () => {
  const rows: readonly [name: string, nodes: number, behaviour: Behaviour][] = [
    ['all alive: nothing is judged', 3, () => 'alive'],
    ['two misses, then an answer: a packet may be lost', 3, gone(3000, 4900, 'n1')],
    ['a Node that never answered is never judged', 3, gone(0, FOREVER, 'n1')],
    ['two of three lost: the API is believed', 3, gone(3000, FOREVER, 'n1', 'n2')],
    ['one of two lost is more than a third', 2, gone(3000, FOREVER, 'n1')],
    ['the only Node is never judged', 1, gone(3000, FOREVER, 'n0')],
    ['three of eight lost is more than a third', 8, gone(3000, FOREVER, 'n1', 'n2', 'n3')],
    ['a fault on our side (no route) says nothing', 3, (node, now) => (node === 'n1' && now > 3000 ? 'unknown' : 'alive')],
    [
      'Nodes that never answered do not count as alive',
      4,
      (node, now) => gone(node === 'n0' ? 3000 : 0, FOREVER, 'n0', 'n2', 'n3')(node, now),
    ],
  ];
  test.each(rows)('%s', (_, nodes, behaviour) => {
    expect(simulate(nodes, behaviour, 30_000).verdicts).toEqual([]);
  });

  test('the prober itself cut off, at any moment and with any number of Nodes: not even for a moment is one judged', () => {
    for (const nodes of [3, 7, 30, 100]) {
      for (let at = 12_000; at < 13_400; at += 110) {
        expect(simulate(nodes, (_, now) => (now >= at ? 'silent' : 'alive'), at + 12_000).verdicts).toEqual([]);
      }
    }
  });

  test('cut off and back again, at any moment: the last to be asked again is not taken for dead', () => {
    for (const nodes of [3, 7, 30]) {
      for (let length = 2000; length < 8000; length += 170) {
        const cut: Behaviour = (_, now) => (now >= 12_000 && now < 12_000 + length ? 'silent' : 'alive');
        expect(simulate(nodes, cut, 24_000).verdicts).toEqual([]);
      }
    }
  });

  test('cut off while a Node is down: the API is believed about that one, too', () => {
    const { verdicts } = simulate(3, (node, now) => (now > 12_000 || (node === 'n1' && now > 3000) ? 'silent' : 'alive'), 30_000);
    expect(verdicts.map(([, dead]) => dead)).toEqual(['n1', '']);
  });

  test('a Node that comes back with another address begins anew', () => {
    const moved = { node: 'n1', address: '192.168.2.1' as Ip };
    const others = [0, 2].map((i) => ({ node: `n${i}`, address: `192.168.1.${i}` as Ip }));
    const { verdicts } = simulate(3, gone(3000, FOREVER, 'n1'), 20_000, (r, now) => {
      if (now === 10_000) r.setTargets([...others, moved], now);
    });
    expect(verdicts.map(([, dead]) => dead)).toEqual(['n1', '']);
  });
});

describe('load', () => {
  test('never more than 20 probes a second, however many Nodes, and each has its turn', () => {
    const seen = new Map<string, number>();
    const count: Behaviour = (node) => {
      seen.set(node, (seen.get(node) ?? 0) + 1);
      return Number(node.slice(1)) % 4 === 0 ? 'silent' : 'alive';
    };
    const { sent } = simulate(100, count, 60_000);
    for (let i = PROBES_PER_SECOND_MAX; i < sent.length; i++)
      expect((sent[i] ?? 0) - (sent[i - PROBES_PER_SECOND_MAX] ?? 0)).toBeGreaterThanOrEqual(1000);
    expect(Math.min(...Array.from({ length: 100 }, (_, i) => seen.get(`n${i}`) ?? 0))).toBeGreaterThan(8);
  });

  test('a few Nodes are asked every 1.3 s each', () => {
    expect(simulate(3, () => 'alive', 13_000).sent.length).toBeLessThanOrEqual(33);
  });
});
