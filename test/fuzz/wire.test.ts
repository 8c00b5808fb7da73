import { describe, expect, test } from 'bun:test';
import { decode } from 'dns-packet';
import { decodeMessage } from '../../src/core/wire/decode.ts';
import { createQuery, parseQuery } from '../../src/core/wire/query.ts';
import { foldWireName, recordDataText, wireNameText } from '../../src/core/wire/text.ts';
import { createRandom, fuzzSeed, hostilePacket, validPacket } from './packets.ts';

const PACKETS = 100_000;
const seed = fuzzSeed();

/** Runs `check` on each packet; a failure names what repeats it. */
function each(make: typeof hostilePacket, count: number, check: (packet: Uint8Array) => void): void {
  const random = createRandom(seed);
  for (let i = 0; i < count; i++) {
    const packet = make(random);
    try {
      check(packet);
    } catch (error) {
      throw new Error(`FUZZ_SEED=${seed}, packet ${i}: ${Buffer.from(packet).toString('hex')}`, { cause: error });
    }
  }
}

describe(`${PACKETS} malformed or random packets (FUZZ_SEED=${seed})`, () => {
  test('the query parser never throws, and agrees with the full decoder about everything that is well-formed', () => {
    const query = createQuery();
    const outcomes: Record<string, number> = {};
    each(hostilePacket, PACKETS, (packet) => {
      const outcome = parseQuery(packet, packet.length, query);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      const response = packet.length >= 12 && ((packet[2] as number) & 0x80) !== 0;
      if (response || packet.length < 12) return expect(outcome).toBe('drop');
      const message = decodeMessage(packet);
      if (!message.ok || message.value.opcode !== 0) return;
      const { edns, questions } = message.value;
      const expected = edns && edns.version > 0 ? 'badvers' : questions.length === 1 ? 'ok' : 'formerr';
      expect(outcome).toBe(expected);
      expect([query.edns, query.do, query.id]).toEqual([edns !== undefined, edns?.do ?? false, message.value.id]);
      const [question] = questions;
      if (outcome !== 'ok' || question === undefined) return;
      expect(Buffer.compare(query.name.subarray(0, query.nameLength), foldWireName(question.name))).toBe(0);
      expect([query.qtype, query.qclass]).toEqual([question.type, question.class]);
    });
    // The packets reach every outcome often: otherwise this test has become blind.
    for (const outcome of ['drop', 'formerr', 'notimp', 'badvers', 'ok']) expect(outcomes[outcome]).toBeGreaterThan(PACKETS / 200);
  });

  test('the decoder never throws, and what it decodes has a text form', () => {
    each(hostilePacket, PACKETS, (packet) => {
      const message = decodeMessage(packet);
      if (!message.ok) return;
      for (const record of [...message.value.answers, ...message.value.authorities, ...message.value.additionals]) {
        expect(wireNameText(record.owner).length + recordDataText(record).length).toBeGreaterThan(0);
      }
    });
  });

  test('well-formed packets mean the same to dns-packet', () => {
    each(validPacket, 10_000, (packet) => {
      const ours = decodeMessage(packet);
      const theirs = decode(Buffer.from(packet));
      const opts = theirs.additionals.filter((record) => record.type === 'OPT').length;
      expect(ours.ok).toBe(opts < 2);
      if (!ours.ok) return;
      expect(ours.value.id).toBe(theirs.id);
      expect(ours.value.questions.map((one) => wireNameText(one.name))).toEqual(theirs.questions.map((one) => one.name || '.'));
      expect(ours.value.answers.map((one) => recordDataText(one))).toEqual(theirs.answers.map((one) => String(one.data)));
    });
  });

  test('the worst a message of 65,535 bytes can cost is bounded', () => {
    // As many records as fit, each with the longest chain of pointers there can be.
    const packet = new Uint8Array(65_535);
    packet.set([0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0xe7, 0, 1, 0, 0, 0, 0, 0, 250]);
    packet.set([0xc0, 12], 23);
    for (let at = 25; at < 273; at += 2) packet.set([0xc0 | ((at - 2) >> 8), at - 2], at);
    let records = 1;
    for (let at = 273; at + 12 <= packet.length; at += 12, records++) packet.set([0xc1, 15, 3, 0xe7, 0, 1, 0, 0, 0, 0, 0, 0], at);
    packet.set([records >> 8, records & 255], 6);
    const before = performance.now();
    const message = decodeMessage(packet);
    expect(performance.now() - before).toBeLessThan(2000);
    expect(message.ok && message.value.answers.length).toBe(records);
  });
});
