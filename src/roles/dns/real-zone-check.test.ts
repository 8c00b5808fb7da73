import { afterEach, expect, test } from 'bun:test';
import { dnsName } from '../../../test/support/claim-values.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { createMemoryLog } from '../../../test/support/log.ts';
import { startUpstream, type TestUpstream } from '../../../test/support/upstream.ts';
import { responseBytes } from '../../../test/support/upstream-message.ts';
import { ip } from '../../../test/support/values.ts';
import { waitFor } from '../../../test/support/wait.ts';
import type { Notice } from '../../core/value/notice.ts';
import { createZone } from '../../core/zone/zone.ts';
import { createMetrics } from '../../shell/telemetry/metrics.ts';
import { checkRealZone, ownPod } from './real-zone-check.ts';

const running: TestUpstream[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

test('a foreign SOA of -domain becomes an Event on the Pod, once while it stays, and again after it was away', async () => {
  let real = true;
  const stop = new AbortController();
  const upstream = await startUpstream(({ name, type, id }) => [
    responseBytes(name, type, real ? { id, answers: [`${name} 60 SOA 5`] } : { id, rcode: 'NXDOMAIN' }),
  ]);
  running.push(upstream);
  const clock = createFakeClock();
  const emitted: Notice[] = [];
  const zone = createZone({ domain: dnsName('sko.ai'), ttlSeconds: 5, nameservers: [], serial: 1 });
  const settings = { domain: dnsName('sko.ai'), upstreams: [{ ip: ip('127.0.0.1'), port: upstream.port }], fallthrough: false };
  const pod = ownPod({ context: 'in-cluster', namespace: 'minilb' }, 'minilb-writer-1');
  const context = { settings, clock, log: createMemoryLog() } as unknown as Parameters<typeof checkRealZone>[0];
  const done = checkRealZone(context, { zone, metrics: createMetrics(), pod, emit: (each) => emitted.push(each) }, stop.signal);
  const { count } = upstream;
  const asked = (times: number) => waitFor(`question ${times}`, () => count('sko.ai') >= times && clock.pending() === 1);
  await asked(1);
  await waitFor('the Event', () => emitted.length === 1);
  expect(emitted[0]?.object).toEqual({ apiVersion: 'v1', kind: 'Pod', namespace: 'minilb', name: 'minilb-writer-1', uid: '' });
  expect(emitted[0]?.text).toStartWith('-domain sko.ai is a real zone of somebody else: its other names (www, mail) do not exist');
  for (const [i, next] of [true, false, true].entries()) {
    real = next;
    await clock.advance(3_600_000);
    await asked(i + 2);
  }
  await waitFor('the second Event', () => emitted.length === 2);
  stop.abort();
  await done;
});

test('outside a cluster, or without POD_NAME, there is no Pod to write about', () => {
  expect([ownPod({ context: 'home', namespace: 'default' }, 'box'), ownPod({ context: 'in-cluster', namespace: 'minilb' }, '')]).toEqual([
    undefined,
    undefined,
  ]);
});
