import { describe, expect, test } from 'bun:test';
import { dnsName } from '../../../test/support/claim-values.ts';
import { queryBytes, readReply } from '../../../test/support/dns-query.ts';
import { createRespondContext, type RespondContext } from './reply.ts';
import { respond } from './respond.ts';
import { createZone } from './zone.ts';

const zone = createZone({ domain: dnsName('minilb'), ttlSeconds: 300, nameservers: [], serial: 1 });

function context(): RespondContext {
  const options = { maxAnswers: 16, serverId: new TextEncoder().encode('dns-1'), forwarding: true, fallthrough: true };
  return Object.assign(createRespondContext(options, 7), { synced: true, client: '192.168.1.7' });
}

function answersOf(ctx: RespondContext, name: string, type: string): readonly string[] {
  const reply = ask(name, type, ctx);
  return reply === 'forwarded' ? [] : reply.answers;
}

function ask(name: string, type: string, ctx: RespondContext = context()) {
  const query = queryBytes(name, type, { rd: true });
  const out = new Uint8Array(1232);
  const length = respond(query, query.length, out, zone, ctx);
  return length < 0 ? 'forwarded' : readReply(out.subarray(0, length));
}

describe('the probe name _minilb.<domain>', () => {
  test.each(['_minilb.minilb', 'a1b2._MiniLB.minilb'])('%s TXT: who asks, who answers; kept for 5 s at most', (name) => {
    const reply = ask(name, 'TXT');
    if (reply === 'forwarded') expect.unreachable();
    expect(reply).toMatchObject({ rcode: 'NOERROR', ttls: [5] });
    expect(reply.flags).toContain('aa');
    expect(reply.answers[0]).toMatch(/TXT client=192\.168\.1\.7 server=dns-1$/);
  });

  test('AAAA is another one in each answer, and leads nowhere (RFC 6666)', () => {
    const ctx = context();
    const drawn = [1, 2, 3, 4].map(() => answersOf(ctx, '_minilb.minilb', 'AAAA')[0] ?? '');
    expect(new Set(drawn).size).toBe(4);
    for (const line of drawn) expect(line).toMatch(/ AAAA 100::[0-9a-f:]+$/);
  });

  test('other types have no data, and it never falls through (RFC 8020: what is below exists)', () => {
    expect(ask('_minilb.minilb', 'A')).toMatchObject({ rcode: 'NOERROR', answers: [], authorities: [expect.stringContaining('SOA')] });
  });

  test.each(['minilb._x.minilb', '_minilbs.minilb', 'x.minilb'])('%s is none', (name) => {
    expect(ask(name, 'TXT')).toBe('forwarded');
  });
});
