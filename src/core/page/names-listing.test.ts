import { describe, expect, test } from 'bun:test';
import { dnsName, ingress } from '../../../test/support/claim-values.ts';
import { endpoint, ip, service, slice, testCluster } from '../../../test/support/values.ts';
import { createZone } from '../zone/zone.ts';
import type { ClaimRow, NameRow } from './api-schema.ts';
import { listClaims } from './claims-listing.ts';
import { type Listing, type ListQuery, parseListQuery } from './listing.ts';
import { listNames } from './names-listing.ts';

const cluster = testCluster();
const put = (key: string, over: Parameters<typeof service>[1], slices: ReturnType<typeof slice>[]) => {
  cluster.services.set(key, service(key, over));
  cluster.sliceLists.set(key, slices);
};
put('default/web', {}, [slice('default/web', 'a', [endpoint('10.244.0.5'), endpoint('10.244.0.6', 'not ready')])]);
put('default/even', {}, [slice('default/even', 'a', [endpoint('10.244.0.8'), endpoint('10.244.0.9')])]);
put('default/drain', {}, [slice('default/drain', 'a', [endpoint('10.244.0.10', 'serving terminating')])]);
put('default/down', {}, [slice('default/down', 'a', [endpoint('10.244.0.11', 'not ready')])]);
put('default/none', {}, []);
put('default/ext', { type: 'ExternalName', externalName: 'db.example.com' }, []);
put('default/db', { headless: true }, [slice('default/db', 'a', [endpoint('fd00::7', 'ready', { hostname: 'db-0' })])]);
put('default/vip', { type: 'LoadBalancer', ingress: [{ ip: ip('192.168.1.50') }] }, [slice('default/vip', 'a', [endpoint('10.244.0.12')])]);
cluster.ingresses.set('team/shop', ingress('team/shop', ['shop.example.com', '*.apps.example.com']));
cluster.ingresses.set('zeta/shop', { ...ingress('zeta/shop', ['shop.example.com']), created: '2026-02-01T00:00:00Z' });

const zone = createZone({
  domain: dnsName('minilb'),
  ttlSeconds: 5,
  nameservers: [{ name: dnsName('ns.dns.minilb'), addresses: [ip('192.168.1.5')] }],
  serial: 1,
});
for (const key of cluster.services.keys()) zone.update(cluster, key);
for (const key of cluster.ingresses.keys()) zone.updateClaims(cluster, 'Ingress', key);

function queryOf(text: string): ListQuery {
  const query = parseListQuery(new URLSearchParams(text));
  if ('error' in query) throw new Error(query.error);
  return query;
}

function run(listing: Listing) {
  while (!listing.step());
  return listing.result();
}
const names = (query: string) => run(listNames(queryOf(query), { zone, view: cluster }));
const claims = (query: string) => run(listClaims(queryOf(query), zone.claims));
const line = ({ name, state, level, detail, addresses, source }: NameRow) =>
  `${name} | ${state} | ${level} | ${detail} | ${addresses.join(' ')} | ${source}`;

describe('names as the page lists them', () => {
  test('every name that answers, sorted, with what it answers, how ready that is and whose it is', () => {
    expect((names('').items as readonly NameRow[]).map(line)).toEqual([
      '*.apps.example.com | addresses | good | 1 address | 192.0.2.1 | Ingress team/shop',
      'db-0.db.default.minilb | addresses | good | 1 address | fd00::7 | Service default/db',
      'db.default.minilb | ready | good | ready | fd00::7 | Service default/db',
      'down.default.minilb | not-ready | trouble | none of 1 ready |  | Service default/down',
      'drain.default.minilb | draining | notice | only pods that are going away still serve | 10.244.0.10 | Service default/drain',
      'even.default.minilb | ready | good | all 2 ready | 10.244.0.8 10.244.0.9 | Service default/even',
      'ext.default.minilb | alias | none | alias of db.example.com |  | Service default/ext',
      'minilb | zone | none | the zone itself |  | ',
      'none.default.minilb | no-endpoints | trouble | no endpoints |  | Service default/none',
      'ns.dns.minilb | zone | none | a server of the zone | 192.168.1.5 | ',
      'shop.example.com | addresses | good | 1 address | 192.0.2.1 | Ingress team/shop',
      'vip.default.minilb | addresses | good | 1 address | 192.168.1.50 | Service default/vip',
      'web.default.minilb | partly-ready | notice | 1 of 2 ready | 10.244.0.5 | Service default/web',
    ]);
  });

  const rows: readonly [rule: string, query: string, found: readonly string[], matched: number][] = [
    ['part of a name, whatever its case', 'q=D%42', ['db-0.db.default.minilb', 'db.default.minilb'], 2],
    ['dots are dots, not any character', 'q=b.default', ['db-0.db.default.minilb', 'db.default.minilb', 'web.default.minilb'], 3],
    ['a whole IPv4 address finds who answers it', 'q=10.244.0.9', ['even.default.minilb'], 1],
    ['an IPv6 address in any spelling', 'q=FD00:0::7', ['db-0.db.default.minilb', 'db.default.minilb'], 2],
    ['part of an address is no name', 'q=10.244.0', [], 0],
    ['only names without an address', 'only=trouble', ['down.default.minilb', 'none.default.minilb'], 2],
    ['a page, and how many there are in all', 'q=default&limit=2', ['db-0.db.default.minilb', 'db.default.minilb'], 9],
    ['the page after a name', 'q=default&limit=2&after=db.default.minilb', ['down.default.minilb', 'drain.default.minilb'], 9],
    ['the page after a name that has gone', 'limit=1&after=m', ['minilb'], 13],
    ['what is no ASCII finds nothing', 'q=%C3%A4', [], 0],
    ['the longest text finds nothing', `q=${'a'.repeat(255)}`, [], 0],
  ];
  test.each(rows)('%s (%s)', (_, query, found, matched) => {
    const list = names(query);
    expect(list.items.map((row) => String(row['name']))).toEqual([...found]);
    expect(list.matched).toBe(matched);
  });

  test('next leads on, and is empty on the last page', () => {
    expect([names('limit=12').next, names('limit=13').next, names('limit=1&after=vip.default.minilb').next]).toEqual([
      'vip.default.minilb',
      '',
      '',
    ]);
  });
});

describe('claims as the page lists them', () => {
  test('who has a host, who lost it, and why', () => {
    expect((claims('').items as readonly ClaimRow[]).map(({ name, object, result, detail }) => [name, object, result, detail])).toEqual([
      ['*.apps.example.com', 'Ingress team/shop', 'owner', 'leads to 192.0.2.1'],
      ['shop.example.com', 'Ingress team/shop', 'owner', 'leads to 192.0.2.1'],
      ['shop.example.com', 'Ingress zeta/shop', 'lost', 'an older object of another namespace has it: Ingress team/shop'],
    ]);
  });

  test.each([
    ['q=apps', 1, 1],
    ['only=trouble', 1, 2],
    ['limit=1', 2, 1],
    ['q=nothing', 0, 0],
  ])('%s: %i hosts match, %i rows', (query, matched, rows) => {
    const list = claims(query);
    expect([list.matched, list.items.length]).toEqual([matched, rows]);
  });
});
