import { describe, expect, test } from 'bun:test';
import { type QueryOptions, queryBytes, readReply } from '../../../test/support/dns-query.ts';
import { endpoint, service, slice, testCluster } from '../../../test/support/values.ts';
import type { DnsName } from '../value/dns-name.ts';
import { FLAG } from '../wire/message.ts';
import { createRespondContext, type RespondOptions } from './reply.ts';
import { FORWARD, respond, respondProhibited } from './respond.ts';
import { createZone } from './zone.ts';

const zone = createZone({ domain: 'minilb' as DnsName, ttlSeconds: 5, nameservers: [], serial: 1 });
const cluster = testCluster();
cluster.services.set('default/web', service('default/web'));
cluster.sliceLists.set('default/web', [slice('default/web', 's', [endpoint('10.244.0.1')])]);
zone.update(cluster, 'default/web');

const serverId = new TextEncoder().encode('pod-a');
const out = new Uint8Array(65_535);

/** What becomes of a query: `forward`, or RCODE, EDE and flags of the reply. */
function fate(name: string, query: QueryOptions, options: Partial<RespondOptions>, ra = 0): string {
  const ctx = createRespondContext({ maxAnswers: 16, serverId, ...options }, 1);
  ctx.synced = true;
  ctx.ra = ra;
  const packet = queryBytes(name, 'A', { edns: 1232, ...query });
  const length = respond(packet, packet.length, out, zone, ctx);
  if (length === FORWARD) return 'forward';
  const reply = readReply(out.slice(0, length));
  return [reply.rcode, ...reply.ede, ...reply.flags].join(' ');
}

const on = { forwarding: true };
const through = { forwarding: true, fallthrough: true };

describe('which names are forwarded', () => {
  const rows: readonly [name: string, asked: string, query: QueryOptions, options: Partial<RespondOptions>, expected: string][] = [
    ['a foreign name without -upstream is REFUSED, EDE 20', 'example.com', { rd: true }, {}, 'REFUSED 20 rd'],
    ['a foreign name with -upstream', 'example.com', { rd: true }, on, 'forward'],
    ['not without RD (RFC 1035 §4.1.1)', 'example.com', {}, on, 'REFUSED 20'],
    ['not a name of ours', 'web.default.minilb', { rd: true }, on, 'NOERROR aa rd'],
    ['not a name in -domain that does not exist', 'www.minilb', { rd: true }, on, 'NXDOMAIN aa rd'],
    ['-fallthrough: a name that nothing covers', 'www.minilb', { rd: true }, through, 'forward'],
    ['-fallthrough: names below it too', 'a.www.minilb', { rd: true }, through, 'forward'],
    ['-fallthrough: not what a namespace covers', 'nobody.default.minilb', { rd: true }, through, 'NXDOMAIN aa rd'],
    ['-fallthrough: not the apex', 'minilb', { rd: true }, through, 'NOERROR aa rd'],
    ['-fallthrough: not without RD', 'www.minilb', {}, through, 'NXDOMAIN aa'],
    ['-fallthrough means nothing without -upstream', 'www.minilb', { rd: true }, { fallthrough: true }, 'NXDOMAIN aa rd'],
    ['other classes are not', 'example.com', { rd: true, qclass: 'CH' }, on, 'REFUSED rd'],
  ];
  test.each(rows)('%s', (_, asked, query, options, expected) => {
    expect(fate(asked, query, options)).toBe(expected);
  });

  test('RA stands in every reply to a client that may be forwarded for, and in no other (RFC 1035 §4.1.1)', () => {
    expect(fate('web.default.minilb', { rd: true }, on, FLAG.RA)).toBe('NOERROR aa rd ra');
    expect(fate('web.default.minilb', { rd: true }, on, 0)).toBe('NOERROR aa rd');
    expect(fate('example.com', {}, on, FLAG.RA)).toBe('REFUSED 20 ra');
  });

  test('a client that may not ask at all is told so (RFC 8914 §4.19), and gets nothing for what is no query', () => {
    const ctx = createRespondContext({ maxAnswers: 16, serverId }, 1);
    const packet = queryBytes('web.default.minilb', 'A', { edns: 1232 });
    expect(readReply(out.slice(0, respondProhibited(packet, packet.length, out, ctx)))).toMatchObject({ rcode: 'REFUSED', ede: [18] });
    packet[2] = 0x80;
    expect(respondProhibited(packet, packet.length, out, ctx)).toBe(0);
  });
});
