import { describe, expect, test } from 'bun:test';
import { readFileSync, realpathSync } from 'node:fs';
import type { Need } from '../src/core/doctor/facts.ts';
import { AGENT_NEEDS, ALLOCATOR_NEEDS, INSTALL_NEEDS, OPERATOR_NEEDS, readerNeeds, WRITER_NEEDS } from '../src/core/doctor/permissions.ts';
import { asArray, asObject } from '../src/core/object/raw.ts';
import { OPTIONAL } from '../src/roles/explain/look-at-cluster.ts';
import { manifestObjects, nameOf, renderManifest } from './support/manifest.ts';

// What doctor asks for is what the manifests give: no more, or a sound cluster would have findings; for the ClusterRoles also no less.

const ROOT = realpathSync(`${import.meta.dirname}/..`);

/** `list services`, `patch services/status`, … of the ClusterRoles of these names. */
function granted(file: string, ...roles: readonly string[]): readonly string[] {
  const objects = manifestObjects(readFileSync(`${ROOT}/deploy/${file}`, 'utf8'));
  const rules = objects
    .filter((object) => roles.some((role) => nameOf(object) === `ClusterRole ${role}`))
    .flatMap(({ rules }) => asArray(rules));
  return rules
    .map(asObject)
    .flatMap((rule) =>
      asArray(rule?.['verbs']).flatMap((verb) =>
        asArray(rule?.['apiGroups']).flatMap((group) => asArray(rule?.['resources']).map((resource) => `${verb} ${resource} ${group}`)),
      ),
    );
}

const asked = (needs: readonly Need[]) =>
  needs.map(({ verb, resource, subresource, group }) => `${verb} ${resource}${subresource === '' ? '' : `/${subresource}`} ${group}`);

const rows: readonly [name: string, needs: readonly Need[], file: string, ...roles: string[]][] = [
  ['minilb-dns', readerNeeds(OPTIONAL), 'manifest/access.yaml', 'minilb-reader'],
  ['minilb-writer', [...readerNeeds(OPTIONAL), ...WRITER_NEEDS], 'manifest/access.yaml', 'minilb-reader', 'minilb-writer'],
  ['minilb-l3-agent', AGENT_NEEDS, 'l3/base/access.yaml', 'minilb-l3-agent'],
  ['minilb-l3-allocator', ALLOCATOR_NEEDS, 'l3/base/access.yaml', 'minilb-l3-allocator'],
  ['minilb-external', OPERATOR_NEEDS, 'external/operator.yaml', 'minilb-external'],
];

describe('the rights that doctor asks about', () => {
  test.each(rows)('%s: those that its manifest gives', (_, needs, file, ...roles) => {
    const given = granted(file, ...roles);
    expect(given.length).toBeGreaterThan(0);
    expect(asked(needs).filter((one) => !given.includes(one))).toEqual([]);
    // Lists of ServiceCIDRs only refine what l3 may give out.
    expect(given.filter((one) => !asked(needs).includes(one) && !one.startsWith('list servicecidrs')).sort()).toEqual([]);
  });

  test('whoever installs may create what the manifest holds', async () => {
    const { stdout } = await renderManifest(['n1=192.168.1.10']);
    const kinds = new Set(manifestObjects(stdout).map((object) => `${String(object['kind']).toLowerCase().replace(/y$/, 'ie')}s`));
    expect(kinds.size).toBeGreaterThan(8);
    const named = new Set(INSTALL_NEEDS.map(({ resource }) => resource));
    expect([...kinds].filter((kind) => !named.has(kind)).sort()).toEqual([]);
  });
});
