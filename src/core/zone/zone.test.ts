import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { endpoint, ip, service, slice, type TestCluster, testCluster } from '../../../test/support/values.ts';
import { zoneRecords } from '../../../test/support/zone-records.ts';
import type { EndpointSlice } from '../object/endpoint-slice.ts';
import type { Service } from '../object/service.ts';
import type { DnsName } from '../value/dns-name.ts';
import { createZone, type Zone, type ZoneConfig } from './zone.ts';

const config: ZoneConfig = { domain: 'minilb' as DnsName, ttlSeconds: 5, nameservers: [], serial: 1 };

describe('names of a Service', () => {
  const rows: readonly [name: string, service: Service, slices: readonly EndpointSlice[], records: readonly string[]][] = [
    [
      'a Service has its usable addresses of both families',
      service('default/web'),
      [
        slice('default/web', 'a', [endpoint('10.0.0.1'), endpoint('10.0.0.2', 'not ready')]),
        slice('default/web', 'b', [endpoint('fd00::1')]),
      ],
      ['web.default.minilb A 10.0.0.1', 'web.default.minilb AAAA fd00::1'],
    ],
    ['a Service without usable endpoints exists and has no data (RFC 8020)', service('default/web'), [], ['web.default.minilb NODATA']],
    [
      'an ExternalName is a CNAME, whatever slices exist',
      service('default/web', { type: 'ExternalName', externalName: 'Www.Example.COM.' }),
      [slice('default/web', 'a', [endpoint('10.0.0.1')])],
      ['web.default.minilb CNAME www.example.com'],
    ],
    [
      'an ExternalName that is no name has no data',
      service('default/web', { type: 'ExternalName', externalName: 'not a name' }),
      [],
      ['web.default.minilb NODATA'],
    ],
    [
      'an endpoint with a hostname has a name of its own (Kubernetes DNS specification §2.4.1)',
      service('default/db', { headless: true }),
      [
        slice('default/db', 'a', [
          endpoint('10.0.0.1', 'ready', { hostname: 'db-0' }),
          endpoint('10.0.0.2', 'not ready', { hostname: 'db-1' }),
        ]),
      ],
      ['db-0.db.default.minilb A 10.0.0.1', 'db.default.minilb A 10.0.0.1'],
    ],
    [
      'a hostname that is no label costs only itself',
      service('default/db'),
      [slice('default/db', 'a', [endpoint('10.0.0.1', 'ready', { hostname: 'a b' })])],
      ['db.default.minilb A 10.0.0.1'],
    ],
  ];
  test.each(rows)('%s', (_, object, slices, records) => {
    const { zone, cluster } = zoneOf(object, slices);
    expect(
      zoneRecords(zone).filter((line) => !line.includes('EMPTY') && !line.startsWith('minilb ') && !line.startsWith('ns.dns.')),
    ).toEqual([...records]);
    expect(zone.update(cluster, `${object.namespace}/${object.name}`)).toEqual([]);
  });
});

describe('life of names', () => {
  test('the last name of a namespace takes the namespace node with it', () => {
    const { zone, cluster } = zoneOf(service('default/web'), []);
    expect(zoneRecords(zone)).toContain('default.minilb EMPTY below=1');
    cluster.services.clear();
    expect(zone.update(cluster, 'default/web').map(String)).toEqual(['web.default.minilb']);
    expect(zoneRecords(zone)).toEqual(['dns.minilb EMPTY below=1', 'minilb NODATA', 'ns.dns.minilb NODATA']);
  });

  test('an update returns the names whose answer changed, and only a change raises the serial (RFC 1982)', () => {
    const { zone, cluster } = zoneOf(service('default/web'), [slice('default/web', 'a', [endpoint('10.0.0.1')])]);
    const before = zone.soa.serial;
    expect(zone.update(cluster, 'default/web')).toEqual([]);
    expect(zone.soa.serial).toBe(before);
    cluster.sliceLists.set('default/web', [slice('default/web', 'a', [endpoint('10.0.0.2')])]);
    expect(zone.update(cluster, 'default/web').map(String)).toEqual(['web.default.minilb']);
    expect(zone.soa.serial).toBe(before + 1);
  });

  test("the zone's own server keeps its name against a Service called ns in a namespace called dns", () => {
    const nameservers = [{ name: 'ns.dns.minilb' as DnsName, addresses: [ip('192.0.2.53')] }];
    const zone = createZone({ ...config, nameservers });
    const cluster = testCluster();
    cluster.services.set('dns/ns', service('dns/ns'));
    zone.update(cluster, 'dns/ns');
    expect(zoneRecords(zone)).toContain('ns.dns.minilb A 192.0.2.53');
    cluster.services.clear();
    zone.update(cluster, 'dns/ns');
    expect(zoneRecords(zone)).toContain('ns.dns.minilb A 192.0.2.53');
  });

  test("new addresses of the zone's server replace the old ones", () => {
    const zone = createZone({ ...config, nameservers: [{ name: 'ns.dns.minilb' as DnsName, addresses: [ip('192.0.2.53')] }] });
    zone.setNameservers([{ name: 'ns.dns.minilb' as DnsName, addresses: [ip('192.0.2.54')] }]);
    expect(zoneRecords(zone)).toEqual(['dns.minilb EMPTY below=1', 'minilb NODATA', 'ns.dns.minilb A 192.0.2.54']);
  });
});

describe('in place equals from scratch', () => {
  const keys = ['default/web', 'default/api', 'dns/ns', 'team-a/web', 'team-a/db'];
  const hostname = fc.constantFrom('', 'h0', 'h1');
  const oneEndpoint = fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom('ready', 'not ready', 'serving terminating', 'terminating'), hostname)
    .map(([last, state, host]) => endpoint(`10.0.0.${last}`, state as 'ready', { hostname: host }));
  const change = fc.oneof(
    fc.record({
      kind: fc.constant('service' as const),
      key: fc.constantFrom(...keys),
      form: fc.constantFrom('gone', 'plain', 'headless', 'external'),
    }),
    fc.record({
      kind: fc.constant('slices' as const),
      key: fc.constantFrom(...keys),
      lists: fc.array(fc.array(oneEndpoint, { maxLength: 4 }), { maxLength: 3 }),
    }),
  );

  test('after any sequence of changes', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const cluster = testCluster();
        const zone = createZone(config);
        for (const each of changes) {
          if (each.kind === 'service') setService(cluster, each.key, each.form);
          else
            cluster.sliceLists.set(
              each.key,
              each.lists.map((list, n) => slice(each.key, `s${n}`, list)),
            );
          zone.update(cluster, each.key);
        }
        const fresh = createZone(config);
        for (const key of cluster.services.keys()) fresh.update(cluster, key);
        expect(zoneRecords(zone)).toEqual(zoneRecords(fresh));
        expect(zone.names.size()).toBe(fresh.names.size());
      }),
      { numRuns: 300 },
    );
  });
});

function setService(cluster: TestCluster, key: string, form: string): void {
  if (form === 'gone') cluster.services.delete(key);
  else if (form === 'external') cluster.services.set(key, service(key, { type: 'ExternalName', externalName: 'www.example.com' }));
  else cluster.services.set(key, service(key, { headless: form === 'headless' }));
}

function zoneOf(object: Service, slices: readonly EndpointSlice[]): { readonly zone: Zone; readonly cluster: TestCluster } {
  const cluster = testCluster();
  const key = `${object.namespace}/${object.name}`;
  cluster.services.set(key, object);
  cluster.sliceLists.set(key, [...slices]);
  const zone = createZone(config);
  zone.update(cluster, key);
  return { zone, cluster };
}
