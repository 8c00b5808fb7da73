import { describe, expect, test } from 'bun:test';
import { readFileSync, realpathSync } from 'node:fs';
import { asArray, asObject, compact } from '../src/core/object/raw.ts';
import { parseArguments } from '../src/core/settings/parse.ts';
import { usageFault } from '../src/roles/routes/usage.ts';
import { commands, settings } from '../src/settings.ts';
import { type ManifestObject, manifestObjects, nameOf, podSpecOf } from './support/manifest.ts';

const ROOT = realpathSync(`${import.meta.dirname}/..`);
const read = (path: string) => readFileSync(`${ROOT}/deploy/announce/${path}`, 'utf8');
const parts = asArray(manifestObjects(read('base/kustomization.yaml'))[0]?.['resources']).map(String);
const objects = parts.flatMap((part) => manifestObjects(read(`base/${part}`)));
const named = (name: string): ManifestObject => {
  const found = objects.find((object) => nameOf(object) === name);
  if (!found) throw new Error(`no ${name}`);
  return found;
};
const pod = podSpecOf(named('Deployment minilb-announce'));
const containers = compact(asArray(pod['containers']).map(asObject));

describe('the manifest of the announcers', () => {
  test('they read, and write nothing', () => {
    const verbs = asArray(named('ClusterRole minilb-announce')['rules']).flatMap((rule) => asArray(asObject(rule)?.['verbs']));
    expect([...new Set(verbs)].sort()).toEqual(['list', 'watch']);
  });

  test('neither container is root or has a capability, and both have a read-only root', () => {
    expect(pod['securityContext']).toMatchObject({ runAsNonRoot: true, runAsUser: 65532 });
    for (const container of containers) {
      const wanted = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };
      expect(container['securityContext']).toEqual(wanted);
    }
  });

  test('minilb understands its arguments, and refuses to start where the overlay has not set the networks', () => {
    const words = asArray(containers[0]?.['args']).map(String);
    const fault = (cidrs: string, via: string) => {
      const filled = words.map((word) => word.replace('$(CIDRS)', cidrs).replace('$(VIA)', via));
      const parsed = parseArguments(filled, {}, settings, commands, 'dns');
      if (!parsed.ok || parsed.value.command !== 'routes') throw new Error(JSON.stringify(parsed));
      return usageFault(parsed.value.values);
    };
    expect(fault('10.244.0.0/16', '192.168.1.0/24')).toBeUndefined();
    expect(fault('', '192.168.1.0/24')).toContain('-write needs -cidrs');
    expect(fault('10.244.0.0/16', '')).toContain('-write needs -via');
  });

  test('a BIRD that announces: no default route, no single host, nothing learnt, graceful restart', () => {
    const config = read('overlay/bird.conf');
    expect(config.match(/import none/g)).toHaveLength(2);
    expect(config).not.toMatch(/import (all|filter|where)|protocol kernel/);
    expect(config).toContain('0.0.0.0/0{8,30}');
    expect(config).toContain('::/0{32,126}');
    expect(config).toContain('graceful restart on;');
  });

  test('the overlay’s version is that of package.json', () => {
    const { version } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8')) as { readonly version: string };
    expect(read('overlay/kustomization.yaml')).toContain(`newTag: ${version}\n`);
  });
});
