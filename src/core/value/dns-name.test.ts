import { describe, expect, test } from 'bun:test';
import { type DnsName, isAtOrBelow, joinName, nameToWire, parseDnsName } from './dns-name.ts';

const L63 = 'a'.repeat(63);

const rows: readonly [name: string, text: unknown, parsed: string | undefined][] = [
  ['case is folded (RFC 4343)', 'Web.Default.MINILB', 'web.default.minilb'],
  ['one trailing dot is dropped', 'minilb.', 'minilb'],
  ['two trailing dots are refused', 'minilb..', undefined],
  ['an empty label is refused', 'a..b', undefined],
  ['only dots are refused', '..', undefined],
  ['the root is not a name here', '.', undefined],
  ['underscores are allowed (RFC 8552)', '_http._tcp.web.default.minilb', '_http._tcp.web.default.minilb'],
  ['a wildcard is the whole first label (RFC 4592 §2.1.1)', '*.sko.ai', '*.sko.ai'],
  ['a wildcard inside is refused', 'a.*.sko.ai', undefined],
  ['a wildcard alone is refused', '*', undefined],
  ['a label of 63 is allowed (RFC 1035 §2.3.4)', `${L63}.b`, `${L63}.b`],
  ['a label of 64 is refused', `a${L63}.b`, undefined],
  ['253 characters are allowed', `${L63}.${L63}.${L63}.${'b'.repeat(61)}`, `${L63}.${L63}.${L63}.${'b'.repeat(61)}`],
  ['254 characters are refused', `${L63}.${L63}.${L63}.${'b'.repeat(62)}`, undefined],
  ['a leading hyphen is refused', '-a.b', undefined],
  ['white space is refused', 'a b', undefined],
  ['letters outside ASCII are refused: write the A-label (RFC 5891)', 'köln.example', undefined],
  ['a number is refused', 5, undefined],
];

describe('domain name', () => {
  test.each(rows)('%s', (_, text, parsed) => {
    const name = parseDnsName(text);
    expect(name.ok ? (name.value as string) : undefined).toBe(parsed);
  });

  test('a refused name says which label and why', () => {
    expect(parseDnsName('a..b')).toMatchObject({ ok: false, detail: '"a..b" has the label "", which is not 1–63 letters, digits, - or _' });
  });

  test('suffixes are compared label by label: evilsko.ai is not below sko.ai', () => {
    const name = (text: string) => text as DnsName;
    expect(isAtOrBelow(name('a.sko.ai'), name('sko.ai'))).toBe(true);
    expect(isAtOrBelow(name('sko.ai'), name('sko.ai'))).toBe(true);
    expect(isAtOrBelow(name('evilsko.ai'), name('sko.ai'))).toBe(false);
  });

  test('joining labels into too long a name gives none', () => {
    expect(joinName(L63, L63, L63, L63)).toBeUndefined();
    expect(joinName('web', 'default', 'minilb') as string | undefined).toBe('web.default.minilb');
  });

  test('wire form is length-prefixed labels and a zero byte (RFC 1035 §3.1)', () => {
    expect([...nameToWire('ab.c' as DnsName)]).toEqual([2, 97, 98, 1, 99, 0]);
  });
});
