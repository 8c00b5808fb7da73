import { describe, expect, test } from 'bun:test';
import { dnsName } from '../../../test/support/claim-values.ts';
import { queryBytes, readReply } from '../../../test/support/dns-query.ts';
import { createRespondContext } from './reply.ts';
import { respond } from './respond.ts';
import { createZone } from './zone.ts';

const zone = createZone({ domain: dnsName('minilb'), ttlSeconds: 300, nameservers: [], serial: 1 });

function ask(name: string, type: string) {
  const options = { maxAnswers: 16, serverId: new TextEncoder().encode('dns-1'), forwarding: true, fallthrough: true };
  const ctx = Object.assign(createRespondContext(options, 7), { synced: true, client: '192.168.1.7' });
  const query = queryBytes(name, type, { rd: true });
  const out = new Uint8Array(1232);
  const length = respond(query, query.length, out, zone, ctx);
  return length < 0 ? 'forwarded' : readReply(out.subarray(0, length));
}

describe('the probe name _minilb.<domain>', () => {
  test.each(['_minilb.minilb', 'a1b2._MiniLB.minilb'])('%s TXT: a drawn number, who asks, who answers; kept for 5 s at most', (name) => {
    const reply = ask(name, 'TXT');
    if (reply === 'forwarded') expect.unreachable();
    expect(reply).toMatchObject({ rcode: 'NOERROR', ttls: [5] });
    expect(reply.flags).toContain('aa');
    expect(reply.answers[0]).toMatch(/TXT draw=[0-9a-f]{1,8} client=192\.168\.1\.7 server=dns-1$/);
  });

  test('other types have no data, and it never falls through (RFC 8020: what is below exists)', () => {
    expect(ask('_minilb.minilb', 'A')).toMatchObject({ rcode: 'NOERROR', answers: [], authorities: [expect.stringContaining('SOA')] });
  });

  test.each(['minilb._x.minilb', '_minilbs.minilb', 'x.minilb'])('%s is none', (name) => {
    expect(ask(name, 'TXT')).toBe('forwarded');
  });
});
