import { expect, test } from 'bun:test';
import { mergePatch } from '../../src/core/api-server/json.ts';
import { asArray, asObject } from '../../src/core/object/raw.ts';
import type { ApiServer } from './api.ts';
import { createNamespace, must } from './objects.ts';

const GROUP = '/apis/lb.paperlb.com/v1alpha1/namespaces';
export const CONFIGS = `${GROUP}/paperlb-system/loadbalancerconfigs`;
export const BALANCERS = `${GROUP}/default/loadbalancers`;

/** As the original's README has it. */
const CONFIG = {
  apiVersion: 'lb.paperlb.com/v1alpha1',
  kind: 'LoadBalancerConfig',
  metadata: { name: 'row', namespace: 'paperlb-system' },
  spec: {
    default: true,
    httpUpdaterURL: 'http://192.168.64.1:3000/api/v1/lb',
    host: '192.168.64.1',
    portRange: { low: 8100, high: 8200 },
  },
};

/** As the original's operator writes it. */
const BALANCER = {
  apiVersion: 'lb.paperlb.com/v1alpha1',
  kind: 'LoadBalancer',
  metadata: { name: 'row', namespace: 'default' },
  spec: {
    configName: 'default-lb-config',
    host: '192.168.64.1',
    httpUpdater: { url: 'http://192.168.64.1:3000/api/v1/lb' },
    port: 8100,
    protocol: 'TCP',
    targets: [{ host: '192.168.64.5', port: 30291 }],
  },
};

/** `causes`: `reason field` of each, or nothing when it is accepted. */
type Row = readonly [rule: string, change: object, ...causes: string[]];

const spec = (change: object) => ({ spec: change });
const INVALID = 'FieldValueInvalid spec';
const REQUIRED = 'FieldValueRequired spec';

const CONFIG_ROWS: readonly Row[] = [
  ['the original’s example', {}],
  ['not the default', spec({ default: null })],
  ['an updater behind TLS and a path', spec({ httpUpdaterURL: 'https://lb.example:8443/lb/api' })],
  ['a host by name', spec({ host: 'lb.example.com' })],
  ['a host with an IPv6 address', spec({ host: 'fd00::1' })],
  ['one port', spec({ portRange: { low: 8100, high: 8100 } })],
  [
    'everything optional',
    spec({
      tokenSecretRef: { name: 'updater' },
      tlsSecretRef: { name: 'updater' },
      nodeAddressTypes: ['InternalIP'],
      allowedNamespaces: ['default'],
      portsPerNamespaceMax: 3,
      backendPrefix: 'west.',
    }),
  ],
  ['no updater', spec({ httpUpdaterURL: null }), `${REQUIRED}.httpUpdaterURL`],
  ['no host', spec({ host: null }), `${REQUIRED}.host`],
  ['no range', spec({ portRange: null }), `${REQUIRED}.portRange`],
  ['half a range', spec({ portRange: { high: null } }), `${REQUIRED}.portRange.high`],
  ['low above high', spec({ portRange: { low: 8201 } }), `${INVALID}.portRange`],
  ['port 0', spec({ portRange: { low: 0 } }), `${INVALID}.portRange.low`],
  ['port 65536', spec({ portRange: { high: 65536 } }), `${INVALID}.portRange.high`],
  ['an updater of another scheme', spec({ httpUpdaterURL: 'file:///etc/passwd' }), `${INVALID}.httpUpdaterURL`],
  ['a password in the URL', spec({ httpUpdaterURL: 'http://me:pw@lb.example/' }), `${INVALID}.httpUpdaterURL`],
  ['a host in capitals, which no Service status may have', spec({ host: 'LB.example' }), `${INVALID}.host`],
  ['a node address type that is none', spec({ nodeAddressTypes: ['Hostname'] }), 'FieldValueNotSupported spec.nodeAddressTypes[0]'],
  ['no namespace at all', spec({ allowedNamespaces: [] }), `${INVALID}.allowedNamespaces`],
  ['a prefix that is no name', spec({ backendPrefix: '../' }), `${INVALID}.backendPrefix`],
  ['a Secret without a name', spec({ tokenSecretRef: { key: 'x' } }), `${REQUIRED}.tokenSecretRef.name`],
];

const BALANCER_ROWS: readonly Row[] = [
  ['as the original writes it', {}],
  ['no targets', spec({ targets: null })],
  ['several ports', spec({ ports: [{ protocol: 'UDP', servicePort: 53, port: 8100, nodePort: 30053 }] })],
  ['no config', spec({ configName: null }), `${REQUIRED}.configName`],
  ['no host', spec({ host: null }), `${REQUIRED}.host`],
  ['no port', spec({ port: null }), `${REQUIRED}.port`],
  ['port 65536', spec({ port: 65536 }), `${INVALID}.port`],
  ['SCTP', spec({ protocol: 'SCTP' }), 'FieldValueNotSupported spec.protocol'],
  ['lower case', spec({ protocol: 'tcp' }), 'FieldValueNotSupported spec.protocol'],
  ['a port as text', spec({ port: '8100' }), 'FieldValueTypeInvalid spec.port'],
  ['a target without a host', spec({ targets: [{ port: 80 }] }), `${REQUIRED}.targets[0].host`],
];

/** Rows that the embedded API server and a real one with the CRDs both pass. */
export function externalKindRows(api: () => Pick<ApiServer, 'request'>): void {
  const outcome = async (path: string, body: unknown) => {
    const reply = await api().request({ method: 'POST', path, body });
    if (reply.status === 201) await api().request({ method: 'DELETE', path: `${path}/row` });
    const causes = asArray(asObject(asObject(reply.body)?.['details'])?.['causes']).map(asObject);
    // The real server adds that it did not look at CEL rules.
    const told = causes.filter((cause) => cause?.['field'] !== '<nil>');
    return [reply.status, ...told.map((cause) => `${cause?.['reason']} ${cause?.['field']}`)];
  };

  test('paperlb-system is there', () => createNamespace(api(), 'paperlb-system'));

  test.each(CONFIG_ROWS.map((row) => [row[0], row] as const))('a LoadBalancerConfig: %s', async (_, [, change, ...causes]) => {
    expect(await outcome(CONFIGS, mergePatch(CONFIG, change))).toEqual([causes.length > 0 ? 422 : 201, ...causes]);
  });

  test.each(BALANCER_ROWS.map((row) => [row[0], row] as const))('a LoadBalancer: %s', async (_, [, change, ...causes]) => {
    expect(await outcome(BALANCERS, mergePatch(BALANCER, change))).toEqual([causes.length > 0 ? 422 : 201, ...causes]);
  });

  test('defaults are filled in, unknown fields dropped', async () => {
    const config = mergePatch(CONFIG, { spec: { tokenSecretRef: { name: 't' }, bogus: 1 } });
    const stored = asObject((await must(api(), { method: 'POST', path: CONFIGS, body: config }))['spec']);
    expect(stored?.['tokenSecretRef']).toEqual({ name: 't', key: 'token' });
    expect(stored?.['bogus']).toBeUndefined();
    await must(api(), { method: 'DELETE', path: `${CONFIGS}/row` });
  });

  test('status is a subresource; generation counts changes of spec alone', async () => {
    await must(api(), { method: 'POST', path: BALANCERS, body: { ...BALANCER, status: { phase: 'READY' } } });
    const patch = (path: string, body: object) => must(api(), { method: 'PATCH', path: `${BALANCERS}/row${path}`, body });
    const ready = await patch('/status', { status: { phase: 'READY', targetCount: 1, observedGeneration: 1 } });
    expect([ready['status'], asObject(ready['metadata'])?.['generation']]).toEqual([
      { phase: 'READY', targetCount: 1, observedGeneration: 1 },
      1,
    ]);
    const moved = await patch('', { spec: { port: 8101 }, status: { phase: 'PENDING' } });
    expect([asObject(moved['status'])?.['phase'], asObject(moved['metadata'])?.['generation']]).toEqual(['READY', 2]);
    const refused = await api().request({ method: 'PATCH', path: `${BALANCERS}/row/status`, body: { status: { phase: 'BROKEN' } } });
    expect(refused.status).toBe(422);
    await must(api(), { method: 'DELETE', path: `${BALANCERS}/row` });
  });
}
