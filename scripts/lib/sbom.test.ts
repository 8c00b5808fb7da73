import { describe, expect, test } from 'bun:test';
import { toStableSbom } from './sbom.ts';

const raw = (serialNumber: string, timestamp: string, names: readonly string[]) => ({
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  serialNumber,
  version: 1,
  metadata: { timestamp, tools: [{ name: 'cli', version: timestamp }], component: { name: 'a-folder', 'bom-ref': 'minilb@1.0.0' } },
  components: names.map((name) => ({ 'bom-ref': name, name })),
  dependencies: names.map((name) => ({ ref: name, dependsOn: [] })),
});

describe('the list of packages', () => {
  const one = toStableSbom(raw('urn:uuid:1', '2026-01-01', ['b', 'a']), '1.0.0');

  test('does not depend on when and in which order npm made it', () => {
    expect(JSON.stringify(one)).toBe(JSON.stringify(toStableSbom(raw('urn:uuid:2', '2027-01-01', ['a', 'b']), '1.0.0')));
  });

  test('has a serial number of its own for other packages, as RFC 9562 has it', () => {
    const other = toStableSbom(raw('urn:uuid:1', '2026-01-01', ['c']), '1.0.0');
    for (const { serialNumber } of [one, other] as { readonly serialNumber?: string }[])
      expect(serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(one['serialNumber']).not.toBe(other['serialNumber']);
  });

  test('is called minilb', () => expect(one).toMatchObject({ metadata: { component: { name: 'minilb', version: '1.0.0' } } }));
});
