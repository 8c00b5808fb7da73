import { err, ok, type Result } from './result.ts';

declare const nameBrand: unique symbol;

/**
 * A domain name in presentation form: lower case, no trailing dot, 1–253 characters, labels of letters, digits,
 * `-` and `_` (1–63), optionally `*` as the whole first label. The root is not a `DnsName`.
 */
export type DnsName = string & { readonly [nameBrand]: true };

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Parses a name as users write it: case is folded, one trailing dot is dropped. */
export function parseDnsName(text: unknown): Result<DnsName, 'bad-name'> {
  if (typeof text !== 'string') return err('bad-name', 'not a string');
  const name = text.toLowerCase().replace(/\.$/, '');
  if (name === '') return err('bad-name', 'the name is empty');
  if (name.length > 253) return err('bad-name', `"${name.slice(0, 60)}…" is longer than 253 characters`);
  for (const [i, label] of name.split('.').entries()) {
    if (i === 0 && label === '*' && name !== '*') continue;
    if (!LABEL.test(label))
      return err('bad-name', `"${name}" has the label "${label.slice(0, 70)}", which is not 1–63 letters, digits, - or _`);
  }
  return ok(name as DnsName);
}

/** Joins labels that are already valid into a name; `undefined` when the result is not one (too long, an odd label). */
export function joinName(...parts: readonly string[]): DnsName | undefined {
  const name = parseDnsName(parts.join('.'));
  return name.ok ? name.value : undefined;
}

/** True when `name` is `suffix` or below it, compared label by label. */
export function isAtOrBelow(name: DnsName, suffix: DnsName): boolean {
  return name === suffix || name.endsWith(`.${suffix}`);
}

/** Wire form (RFC 1035 §3.1), uncompressed, with the root's zero byte. */
export function nameToWire(name: DnsName): Uint8Array {
  const wire = new Uint8Array(name.length + 2);
  let at = 0;
  for (const label of name.split('.')) {
    wire[at++] = label.length;
    for (let i = 0; i < label.length; i++) wire[at++] = label.charCodeAt(i);
  }
  return wire;
}
