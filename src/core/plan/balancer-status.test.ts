import { describe, expect, test } from 'bun:test';
import { balancer, config, service } from '../../../test/support/external-values.ts';
import type { BalancerPort, LoadBalancer } from '../object/load-balancer.ts';
import { ingressJson, ingressOf, isOurIngress, sameIngress, statusPatch } from './balancer-status.ts';

const port = (servicePort: number, balanced: number, protocol: 'TCP' | 'UDP' = 'TCP'): BalancerPort => ({
  protocol,
  servicePort,
  port: balanced,
  nodePort: 30000,
});
const standing = { ready: true, reason: 'Live', message: 'Every port is live.', targetCount: 2, cleanup: [] };

describe('the status of a LoadBalancer', () => {
  test('READY with the original’s fields, the generation it speaks of, and conditions', () => {
    const patch = statusPatch(balancer(), standing, '2026-01-03T00:00:00Z');
    expect(patch).toMatchObject({ phase: 'READY', targetCount: 2, observedGeneration: 1, cleanup: null });
    expect(patch?.['conditions']).toMatchObject([
      { type: 'Ready', status: 'True', reason: 'Live', observedGeneration: 1, lastTransitionTime: '2026-01-03T00:00:00Z' },
      { type: 'Cleaned', status: 'True' },
    ]);
  });

  test('written once: what stands there is not written again, whatever the time', () => {
    const patch = statusPatch(balancer(), standing, '2026-01-03T00:00:00Z');
    expect(statusPatch(balancer({ status: { ...patch } }), standing, '2026-01-04T00:00:00Z')).toBeUndefined();
  });

  test('a condition keeps its time until its status changes', () => {
    const before = statusPatch(balancer(), standing, '2026-01-03T00:00:00Z');
    const held = balancer({ status: { ...before } });
    const times = (next: typeof standing) =>
      (statusPatch(held, next, '2026-01-04T00:00:00Z')?.['conditions'] as LoadBalancer['conditions'] | undefined)?.[0]?.lastTransitionTime;
    expect(times({ ...standing, message: 'other words' })).toBe('2026-01-03T00:00:00Z');
    expect(times({ ...standing, ready: false })).toBe('2026-01-04T00:00:00Z');
  });

  test('what is still to be removed is listed, and named in a condition', () => {
    const entry = { configName: 'main', url: 'http://x/', backendName: 'default_web', port: 8100, protocol: 'TCP' as const, since: 's' };
    const patch = statusPatch(balancer(), { ...standing, cleanup: [entry] }, 'now');
    expect(patch?.['cleanup']).toEqual([entry]);
    expect(patch?.['conditions']).toMatchObject([
      {},
      { type: 'Cleaned', status: 'False', message: 'Still to be removed: default_web at http://x/.' },
    ]);
  });
});

describe('the status of the Service', () => {
  const two = service({
    spec: {
      ports: [
        { name: 'a', port: 80, nodePort: 30080 },
        { name: 'b', port: 53, nodePort: 30053, protocol: 'UDP' },
      ],
    },
  });

  test('an address: ip with ipMode Proxy, or kube-proxy would capture its ports inside the cluster', () => {
    expect(ingressJson(ingressOf(two, config(), [port(53, 8100, 'UDP'), port(80, 8101)]))).toEqual([
      {
        ip: '192.168.64.1',
        ipMode: 'Proxy',
        ports: [
          { port: 8101, protocol: 'TCP' },
          { port: 8100, protocol: 'UDP' },
        ],
      },
    ]);
  });

  test('a name: hostname with ports and without ipMode, which the API refuses there', () => {
    expect(ingressJson(ingressOf(service(), config({ host: 'lb.example' }), [port(80, 8100)]))).toEqual([
      { hostname: 'lb.example', ports: [{ port: 8100, protocol: 'TCP' }] },
    ]);
  });

  test('a port that is not served keeps its place, with an error (core/v1 PortStatus.error)', () => {
    expect(ingressJson(ingressOf(two, config(), [port(80, 8101)]))[0]?.['ports']).toEqual([
      { port: 8101, protocol: 'TCP' },
      { port: 53, protocol: 'UDP', error: 'minilb/NotServed' },
    ]);
  });

  const wanted = ingressOf(service(), config(), [port(80, 8100)]);
  const stands = (entry: object) => service({ ingress: [entry] }).status;
  const ports = [{ port: 8100, protocol: 'TCP' }];
  test.each([
    ['as written', { ip: '192.168.64.1', ipMode: 'Proxy', ports }, true],
    ['an API server without ipMode', { ip: '192.168.64.1', ports }, true],
    ['as the original wrote it, which the API fills up with VIP', { ip: '192.168.64.1', ipMode: 'VIP', ports }, false],
    ['another port', { ip: '192.168.64.1', ipMode: 'Proxy', ports: [{ port: 8101, protocol: 'TCP' }] }, false],
    ['another host', { ip: '192.168.64.2', ipMode: 'Proxy', ports }, false],
  ] as const)('is written only when it differs: %s', (_, entry, same) => {
    expect(sameIngress(stands(entry), wanted)).toBe(same);
  });

  test('ours is one entry with ports and a host of ours', () => {
    const hosts = new Set(['192.168.64.1']);
    expect(isOurIngress(stands({ ip: '192.168.64.1', ports }), hosts)).toBe(true);
    expect(isOurIngress(stands({ ip: '192.168.64.1' }), hosts)).toBe(false);
    expect(isOurIngress(stands({ ip: '10.0.0.1', ports }), hosts)).toBe(false);
    expect(isOurIngress([], hosts)).toBe(false);
  });
});
