import type { AnswerReport, ExplainReport, NameReport, ReportSource } from '../value/report.ts';
import { counted } from './endpoint-notes.ts';

/** What comes of a name in one sentence. */
export function renderSummary({ name, answers }: Pick<NameReport, 'name' | 'answers'>): string {
  const outcomes = new Set(answers.map(({ outcome }) => outcome));
  const records = answers.filter(({ outcome }) => outcome === 'answer');
  if (outcomes.has('SERVFAIL')) return `${name} gets SERVFAIL.`;
  if (records.length > 0) return `${name} ${found(records)}.`;
  if (outcomes.has('forwarded')) return `${name} is asked of -upstream.`;
  if (outcomes.has('NXDOMAIN')) return `${name} does not exist (NXDOMAIN).`;
  if (outcomes.has('REFUSED')) return `${name} is not ours: the query is REFUSED.`;
  return `${name} exists and has no such records (NODATA).`;
}

function found(answers: readonly AnswerReport[]): string {
  const cname = answers.flatMap(({ records }) => records).find((record) => record.startsWith('CNAME '));
  if (cname) return `leads to ${cname.slice('CNAME '.length).replace(/\.$/, '')}`;
  const addresses = answers.filter(({ type }) => type === 'A' || type === 'AAAA').flatMap(({ records }) => records);
  if (addresses.length > 0) return `has ${addresses.length === 1 ? '1 address' : `${addresses.length} addresses`}`;
  return `has ${counted(answers.flatMap(({ records }) => records).length, 'record')} and no address`;
}

/** What `minilb explain` prints: the summary, what a client gets, why, and where that is from. */
export function renderReport(report: ExplainReport): string {
  const width = Math.max(...report.answers.map(({ type }) => type.length));
  return [
    report.summary,
    '',
    'What a client gets:',
    ...report.answers.map((answer) => `  ${answer.type.padEnd(width)}  ${answerText(answer, report.name)}`),
    ...(report.notes.length > 0
      ? ['', 'Why:', ...report.notes.map(({ level, text }) => `  ${level === 'trouble' ? '!' : '-'} ${text}`)]
      : []),
    '',
    sourceText(report.source),
    '',
  ].join('\n');
}

function answerText({ name, type, outcome, records }: AnswerReport, asked: string): string {
  const of = name === asked ? '' : `${name}: `;
  if (outcome === 'answer') return `${of}${records.map((record) => withoutType(record, type)).join(', ')}`;
  if (outcome === 'forwarded') return `${of}what -upstream answers`;
  return `${of}${outcome === 'NODATA' ? 'nothing (NODATA)' : outcome}`;
}

function withoutType(record: string, type: string): string {
  return record.startsWith(`${type} `) ? record.slice(type.length + 1) : record;
}

/** How this is known, in a paragraph. */
export function sourceText({ kind, cluster, pod, settings, reason }: ReportSource): string {
  const flags = settings.length > 0 ? settings.join(' ') : 'defaults only';
  if (kind === 'asked') return `Answered by pod ${pod} (${flags}) of ${cluster}.`;
  const whose = pod === '' ? `with these settings: ${flags}` : `with the settings of pod ${pod}: ${flags}`;
  return `Worked out from ${cluster} ${whose}. No running pod was asked: ${reason}.`;
}
