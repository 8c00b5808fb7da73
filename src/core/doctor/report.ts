import type { Severity } from './catalogue.ts';
import type { Finding, NotLooked, Remedy } from './finding.ts';

/** What `minilb doctor -o json` prints. */
export interface DoctorReport {
  /** `https://10.0.0.1:6443 (home)`. */
  readonly cluster: string;
  /** `namespace/name` of the Pod whose settings count; empty without one. */
  readonly pod: string;
  readonly settings: readonly string[];
  /** Errors first. Notes are no findings: with notes alone the exit code is 0. */
  readonly findings: readonly Finding[];
  readonly notLooked: readonly NotLooked[];
}

/** Gives a text a style, or leaves it as it is: colours are the shell's. */
export type PaintFinding = (style: 'bold' | 'dim' | 'red' | 'yellow' | 'cyan' | 'green', text: string) => string;

const RANK: { readonly [S in Severity]: number } = { error: 0, warning: 1, note: 2 };
const STYLE = { error: 'red', warning: 'yellow', note: 'cyan' } as const;

/** Errors first, then by code and object, each once. */
export function sortFindings(findings: readonly Finding[]): readonly Finding[] {
  const unique = new Map(findings.map((each) => [`${each.code} ${each.object} ${each.seen}`, each]));
  const key = ({ severity, code, object }: Finding) => `${RANK[severity]} ${code} ${object}`;
  return [...unique.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** True when something is to be done: notes do not count. */
export function hasFindings({ findings }: Pick<DoctorReport, 'findings'>): boolean {
  return findings.some(({ severity }) => severity !== 'note');
}

/** What `minilb doctor` prints for people. */
export function renderDoctorReport(report: DoctorReport, paint: PaintFinding): string {
  const { cluster, pod, settings, findings, notLooked } = report;
  const flags = settings.length > 0 ? settings.join(' ') : 'defaults only';
  return [
    pod === '' ? `Looked at ${cluster} with these settings: ${flags}` : `Looked at ${cluster} with the settings of pod ${pod}: ${flags}`,
    '',
    ...findings.flatMap((each) => [...findingLines(each, paint), '']),
    ...(notLooked.length > 0 ? ['Not looked at:', ...notLooked.map(({ what, why }) => `  - ${plain(what)}: ${plain(why)}`), ''] : []),
    paint('bold', summary(findings)),
    '',
  ].join('\n');
}

function findingLines({ code, severity, object, seen, remedy }: Finding, paint: PaintFinding): readonly string[] {
  return [`${paint(STYLE[severity], severity)} ${paint('bold', code)} ${plain(object)}`, `  ${plain(seen)}`, ...remedyLines(remedy, paint)];
}

function remedyLines({ text, paste }: Remedy, paint: PaintFinding): readonly string[] {
  return [`  ${text}`, ...paste.map((line) => `    ${paint('green', plain(line))}`)];
}

/** Whatever a cluster or a resolver says, it moves no cursor. */
function plain(text: string): string {
  return [...text].map((letter) => (/\p{Cc}/u.test(letter) ? ' ' : letter)).join('');
}

function summary(findings: readonly Finding[]): string {
  const count = (severity: Severity) => findings.filter((each) => each.severity === severity).length;
  const [errors, warnings, notes] = [count('error'), count('warning'), count('note')];
  const parts = [part(errors, 'error'), part(warnings, 'warning'), part(notes, 'note')].filter((text) => text !== '');
  if (errors + warnings === 0) return notes === 0 ? 'No findings.' : `No findings; ${parts.join(', ')}.`;
  return `${part(errors + warnings, 'finding')}: ${parts.join(', ')}.`;
}

function part(count: number, noun: string): string {
  return count === 0 ? '' : `${count} ${noun}${count === 1 ? '' : 's'}`;
}
