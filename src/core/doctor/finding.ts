import { CATALOGUE, type FindingCode, type Severity } from './catalogue.ts';

/** What is to be done: a sentence, and lines to paste (into a shell, unless the sentence says where). */
export interface Remedy {
  readonly text: string;
  readonly paste: readonly string[];
}

/** One thing that is not as it should be. JSON, as `minilb doctor -o json` prints it. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** What it is about: `Service default/web`, `Node pi1`, `resolver 192.168.1.1`. */
  readonly object: string;
  readonly seen: string;
  readonly remedy: Remedy;
}

/** Something that could not be looked at, and why. */
export interface NotLooked {
  readonly what: string;
  readonly why: string;
}

export function finding(code: FindingCode, object: string, seen: string, text: string, paste: readonly string[] = []): Finding {
  return { code, severity: CATALOGUE[code].severity, object, seen, remedy: { text, paste } };
}

/** A word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** `kubectl -n NS patch KIND NAME --type=json -p '…'` (RFC 6902). */
export function kubectlPatch(object: { readonly kind: string; readonly namespace: string; readonly name: string }, patch: unknown): string {
  return `${kubectl(object.namespace)} patch ${object.kind.toLowerCase()} ${object.name} --type=json -p ${shellWord(JSON.stringify(patch))}`;
}

/** `kubectl`, in a namespace where the kind has one. */
export function kubectl(namespace: string): string {
  return namespace === '' ? 'kubectl' : `kubectl -n ${namespace}`;
}
