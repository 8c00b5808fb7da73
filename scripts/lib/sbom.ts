import { createHash } from 'node:crypto';
import { asArray, asObject, asString, type RawObject } from '../../src/core/object/raw.ts';

/**
 * What `npm sbom` prints (CycloneDX 1.5), made the same for the same packages: without the moment, npm's version and a random serial number. The
 * component is called minilb, and not as the folder.
 */
export function toStableSbom(raw: unknown, version: string): RawObject {
  const bom = asObject(raw) ?? {};
  const { timestamp, tools, ...metadata } = asObject(bom['metadata']) ?? {};
  const { serialNumber, ...rest } = bom;
  const byRef = (list: unknown, key: string) =>
    asArray(list).toSorted((a, b) => compare(asString(asObject(a)?.[key]) ?? '', asString(asObject(b)?.[key]) ?? ''));
  const body = {
    ...rest,
    metadata: { ...metadata, component: { ...asObject(metadata['component']), name: 'minilb', version } },
    components: byRef(bom['components'], 'bom-ref'),
    dependencies: byRef(bom['dependencies'], 'ref'),
  };
  return { ...body, serialNumber: `urn:uuid:${toUuid(JSON.stringify(body))}` };
}

/** A UUID of version 8 (RFC 9562 §5.8) out of a text's SHA-256. */
function toUuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
