import { afterAll, beforeAll, expect, test } from 'bun:test';
import { asArray, asObject, compact } from '../../src/core/object/raw.ts';
import type { Notice, NoticeCode } from '../../src/core/value/notice.ts';
import { createEventRecorder, type EventOutcome } from '../../src/shell/kube/events.ts';
import { systemClock } from '../../src/shell/system/clock.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { createMemoryLog } from '../support/log.ts';
import { createNode, createService, must } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { createTestClient } from '../support/test-client.ts';
import { waitFor } from '../support/wait.ts';

const suite = await requires('cluster', clusterMissing);

suite('Events on a real API server (events.k8s.io/v1)', () => {
  let cluster: Cluster;
  const abort = new AbortController();
  beforeAll(async () => {
    cluster = await startCluster();
  }, 300_000);
  afterAll(async () => {
    abort.abort();
    await cluster?.stop();
  }, 60_000);

  const recorder = (instance: string, token = cluster.tokens.admin) => {
    const outcomes: EventOutcome[] = [];
    const log = createMemoryLog();
    const client = createTestClient(cluster.server, { ca: cluster.ca, token });
    const observer = (outcome: EventOutcome) => void outcomes.push(outcome);
    const { emit } = createEventRecorder({ client, role: 'dns', instance, clock: systemClock, log, observer }, abort.signal);
    return { emit, outcomes, log };
  };

  const serviceNotice = async (name: string, code: NoticeCode, text: string): Promise<Notice> => {
    const created = await createService(cluster, { namespace: 'default', name });
    const uid = String(asObject(created['metadata'])?.['uid']);
    return { object: { apiVersion: 'v1', kind: 'Service', namespace: 'default', name, uid }, code, text };
  };

  const events = async (reason: string) => {
    const list = await must(cluster, { path: '/apis/events.k8s.io/v1/events', query: { fieldSelector: `reason=${reason}` } });
    return compact(asArray(list['items']).map(asObject));
  };

  test('two replicas that notice the same thing leave one Event, and a repeat becomes its series', async () => {
    const notice = await serviceNotice('web', 'ClaimedByOther', 'Another controller has it.');
    const a = recorder('minilb-a');
    const b = recorder('minilb-b');
    a.emit(notice);
    await waitFor('the first', () => a.outcomes.length === 1);
    b.emit(notice);
    await waitFor('the second', () => b.outcomes.length === 1);
    expect([a.outcomes, b.outcomes]).toEqual([['created'], ['known']]);
    a.emit(notice);
    await waitFor('the repeat', () => a.outcomes.length === 2);
    const found = await events('ClaimedByOther');
    expect(found.length).toBe(1);
    expect(found[0]).toMatchObject({
      reportingController: 'minilb/dns',
      reportingInstance: 'minilb-a',
      type: 'Warning',
      note: 'Another controller has it.',
      series: { count: 2 },
      regarding: { kind: 'Service', name: 'web' },
    });
    expect(await cluster.kubectl(['describe', 'service', 'web'])).toContain('ClaimedByOther');
  }, 60_000);

  test('a Node’s Event is taken in the namespace default', async () => {
    await createNode(cluster, { name: 'n1' });
    const a = recorder('a');
    const object = { apiVersion: 'v1', kind: 'Node', namespace: '', name: 'n1', uid: 'u' };
    a.emit({ object, code: 'NodeWithoutPodCidrs', text: 'No route.' });
    await waitFor('the Event', () => a.outcomes.length === 1);
    expect(a.outcomes).toEqual(['created']);
    expect(asObject((await events('NodeWithoutPodCidrs'))[0]?.['metadata'])?.['namespace']).toBe('default');
  }, 60_000);

  test('a note of any length is taken, cut at a character', async () => {
    const a = recorder('a');
    a.emit(await serviceNotice('long', 'HostRefused', 'ä🙂'.repeat(500)));
    await waitFor('the Event', () => a.outcomes.length === 1);
    expect(a.outcomes).toEqual(['created']);
    const note = String((await events('HostRefused'))[0]?.['note']);
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
    expect(note).toMatch(/[ä🙂]…$/u);
  }, 60_000);

  test('a ServiceAccount without the right is told so once; a namespace that is not there drops it', async () => {
    const nobody = recorder('a', cluster.tokens.nobody);
    const notice = await serviceNotice('secret', 'PortsDiffer', 'x');
    nobody.emit(notice);
    nobody.emit({ ...notice, text: 'y' });
    await waitFor('both', () => nobody.outcomes.length === 2);
    expect([nobody.outcomes, nobody.log.lines.length]).toEqual([['forbidden', 'forbidden'], 1]);
    const a = recorder('a');
    a.emit({ ...notice, object: { ...notice.object, namespace: 'nowhere' } });
    await waitFor('the refusal', () => a.outcomes.length === 1);
    expect(a.outcomes).toEqual(['refused']);
  }, 60_000);

  test('the least rights are create and patch on events', async () => {
    const rules = [{ apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] }];
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
    await must(cluster, { method: 'POST', path: `${rbac}/roles`, body: { metadata: { name: 'events' }, rules } });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'events' };
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'nobody' }];
    await must(cluster, { method: 'POST', path: `${rbac}/rolebindings`, body: { metadata: { name: 'events' }, roleRef, subjects } });
    const notice = await serviceNotice('least', 'InvalidHost', 'x');
    const { outcomes } = await waitFor('the right to arrive', async () => {
      const a = recorder('a', cluster.tokens.nobody);
      a.emit(notice);
      await waitFor('an outcome', () => a.outcomes.length === 1);
      if (a.outcomes[0] === 'forbidden') return undefined;
      a.emit(notice);
      await waitFor('the repeat', () => a.outcomes.length === 2);
      return a;
    });
    expect(outcomes).toEqual(['created', 'repeated']);
  }, 60_000);
});
