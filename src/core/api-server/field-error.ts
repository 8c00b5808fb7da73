import { ipFamily, parseCidr, parseIp } from '../value/ip.ts';

export type FieldErrorReason =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueDuplicate';

/** One cause of a 422: what is wrong with which field, in the API server's words. */
export interface FieldError {
  readonly field: string;
  readonly reason: FieldErrorReason;
  readonly message: string;
}

export const required = (field: string, why = ''): FieldError => ({
  field,
  reason: 'FieldValueRequired',
  message: why ? `Required value: ${why}` : 'Required value',
});

export const invalidValue = (field: string, value: unknown, why: string): FieldError => ({
  field,
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value) ?? 'null'}: ${why}`,
});

export const forbiddenField = (field: string, why: string): FieldError => ({
  field,
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${why}`,
});

export const duplicate = (field: string, value: unknown): FieldError => ({
  field,
  reason: 'FieldValueDuplicate',
  message: `Duplicate value: ${JSON.stringify(value)}`,
});

/** Nothing when the value is absent or one of these. */
export function oneOf(field: string, value: unknown, supported: readonly string[]): readonly FieldError[] {
  if (value === undefined || supported.includes(String(value))) return [];
  const list = supported.map((text) => JSON.stringify(text)).join(', ');
  return [{ field, reason: 'FieldValueNotSupported', message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}` }];
}

/** Says what is wrong with a text; empty when nothing is. */
export type TextRule = (text: string) => string;

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

/** RFC 1123 label, lower case, at most 63 characters. */
export const dnsLabel: TextRule = (text) => {
  if (text.length > 63) return 'must be no more than 63 characters';
  return LABEL.test(text)
    ? ''
    : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
};

/** RFC 1123 subdomain, lower case, at most 253 characters. */
export const dnsSubdomain: TextRule = (text) => {
  if (text.length > 253) return 'must be no more than 253 characters';
  return SUBDOMAIN.test(text)
    ? ''
    : "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
};

/** `*.` and a subdomain. */
export const wildcardSubdomain: TextRule = (text) =>
  text.startsWith('*.') && SUBDOMAIN.test(text.slice(2)) && text.length <= 253
    ? ''
    : "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain";

/** An optional DNS prefix and a name part: label and annotation keys, loadBalancerClass, reportingController. */
export const qualifiedName: TextRule = (text) => {
  const parts = text.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.length > 2) return "a qualified name must consist of an optional DNS subdomain prefix and '/' and a name";
  if (parts.length === 2 && dnsSubdomain(parts[0] ?? '')) return `prefix part ${dnsSubdomain(parts[0] ?? '')}`;
  if (name.length > 63) return 'name part must be no more than 63 characters';
  return NAME_PART.test(name)
    ? ''
    : "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
};

export const labelValue: TextRule = (text) => {
  if (text.length > 63) return 'must be no more than 63 characters';
  return text === '' || NAME_PART.test(text)
    ? ''
    : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
};

/** IANA service name (RFC 6335 §5.1): what a named target port must be. */
export const portName: TextRule = (text) => {
  if (text.length > 15) return 'must be no more than 15 characters';
  if (!/^[a-z0-9-]+$/.test(text)) return 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)';
  if (!/[a-z]/.test(text)) return 'must contain at least one letter (a-z)';
  return /--|^-|-$/.test(text) ? 'must not contain consecutive hyphens, nor begin or end with one' : '';
};

export const ipAddress: TextRule = (text) => (parseIp(text) ? '' : 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
export const cidr: TextRule = (text) => (parseCidr(text) ? '' : 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)');

/** Addresses that endpoints and externalIPs may not be: unspecified, loopback, link-local unicast and multicast. */
export const notSpecialIp: TextRule = (text) => {
  const ip = parseIp(text);
  if (!ip) return '';
  const v4 = ipFamily(ip) === 4;
  if (v4 ? ip === '0.0.0.0' : ip === '::') return 'may not be unspecified (0.0.0.0 or ::)';
  if (v4 ? ip.startsWith('127.') : ip === '::1') return 'may not be in the loopback range (127.0.0.0/8, ::1/128)';
  if (v4 ? ip.startsWith('169.254.') : /^fe[89ab]/.test(ip)) return 'may not be in the link-local range (169.254.0.0/16, fe80::/10)';
  if (v4 ? ip.startsWith('224.0.0.') : ip.startsWith('ff02:'))
    return 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)';
  return '';
};

/** Applies a rule to a field that must hold a text. */
export function check(field: string, value: unknown, ...rules: readonly TextRule[]): readonly FieldError[] {
  return rules.flatMap((rule) => {
    const why = rule(String(value));
    return why ? [invalidValue(field, value, why)] : [];
  });
}

/** A port number of 1–65535. */
export function checkPort(field: string, value: unknown): readonly FieldError[] {
  return typeof value === 'number' && value >= 1 && value <= 65535
    ? []
    : [invalidValue(field, value, 'must be between 1 and 65535, inclusive')];
}
