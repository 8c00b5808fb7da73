import { describe, expect, test } from 'bun:test';
import { readFileSync, realpathSync } from 'node:fs';
import { asArray, asObject } from '../src/core/object/raw.ts';
import { containerOf, type ManifestObject, manifestObjects, nameOf, podSpecOf } from './support/manifest.ts';

const ROOT = realpathSync(`${import.meta.dirname}/..`);
const read = (path: string) => readFileSync(`${ROOT}/deploy/l3/${path}`, 'utf8');
const parts = asArray(manifestObjects(read('base/kustomization.yaml'))[0]?.['resources']).map(String);
const objects = parts.flatMap((part) => manifestObjects(read(`base/${part}`)));
const named = (name: string): ManifestObject => {
  const found = objects.find((object) => nameOf(object) === name);
  if (!found) throw new Error(`no ${name}`);
  return found;
};
const rules = (name: string) =>
  asArray(named(name)['rules']).flatMap((rule) =>
    asArray(asObject(rule)?.['verbs']).flatMap((verb) => asArray(asObject(rule)?.['resources']).map((resource) => `${verb} ${resource}`)),
  );

describe('the manifest of by route', () => {
  test('the agents write nothing but Events', () => {
    const writes = rules('ClusterRole minilb-l3-agent').filter((rule) => !/^(list|watch) /.test(rule));
    expect(writes).toEqual(['create events', 'patch events']);
  });

  test('the allocator writes statuses, Events and its Lease', () => {
    const writes = ['ClusterRole', 'Role']
      .flatMap((kind) => rules(`${kind} minilb-l3-allocator`))
      .filter((rule) => !/^(list|watch|get) /.test(rule));
    expect(writes.sort()).toEqual(['create events', 'create leases', 'patch events', 'patch leases', 'patch services/status']);
  });

  test('the agent has NET_ADMIN and no other capability, and a read-only root', () => {
    const agent = named('DaemonSet minilb-l3');
    expect(podSpecOf(agent)['hostNetwork']).toBe(true);
    expect(containerOf(agent)['securityContext']).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] },
    });
  });

  test('the allocator has no capability and is not root', () => {
    const allocator = named('Deployment minilb-l3-allocator');
    expect(podSpecOf(allocator)['securityContext']).toMatchObject({ runAsNonRoot: true });
    expect(containerOf(allocator)['securityContext']).toMatchObject({ capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true });
  });

  test('the Terraform module takes the same files', () => {
    const listed = /files = \[(.*)\]/
      .exec(read('terraform/main.tf'))?.[1]
      ?.split(', ')
      .map((word) => `${word.replaceAll('"', '')}.yaml`);
    expect(listed).toEqual([...parts]);
  });

  test('FRR’s container has the capabilities that the tests give it', () => {
    const [frr] = asArray(podSpecOf(manifestObjects(read('frr-container/daemonset.yaml'))[0] ?? {})['containers']);
    const given = asArray(asObject(asObject(asObject(frr)?.['securityContext'])?.['capabilities'])?.['add']).map(String);
    const lab = readFileSync(`${ROOT}/test/support/l3-lab.ts`, 'utf8');
    const tried = [...(/FRR_CAPABILITIES = \[(.*)\]/.exec(lab)?.[1] ?? '').matchAll(/'(\w+)'/g)].map((word) =>
      (word[1] ?? '').toUpperCase(),
    );
    expect(given).toEqual(tried);
  });
});
