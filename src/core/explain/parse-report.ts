import { asArray, asBoolean, asObject, asString } from '../object/raw.ts';
import type { AnswerReport, NameReport, NoteReport } from '../value/report.ts';

/** Reads what a running minilb, perhaps of another version, answered; `undefined` when it is no report. */
export function parseReport(raw: unknown): NameReport | undefined {
  const report = asObject(raw);
  const [name, domain, summary] = [report?.['name'], report?.['domain'], report?.['summary']].map(asString);
  const found = asBoolean(report?.['found']);
  if (name === undefined || domain === undefined || summary === undefined || found === undefined) return undefined;
  return {
    name,
    domain,
    found,
    summary,
    answers: asArray(report?.['answers']).map(toAnswer),
    notes: asArray(report?.['notes']).map(toNote),
  };
}

function toAnswer(raw: unknown): AnswerReport {
  const answer = asObject(raw);
  return {
    name: asString(answer?.['name']) ?? '',
    type: asString(answer?.['type']) ?? '',
    outcome: asString(answer?.['outcome']) ?? '',
    records: asArray(answer?.['records']).flatMap((record) => asString(record) ?? []),
  };
}

function toNote(raw: unknown): NoteReport {
  const note = asObject(raw);
  return {
    code: asString(note?.['code']) ?? '',
    level: note?.['level'] === 'trouble' ? 'trouble' : 'fact',
    text: asString(note?.['text']) ?? '',
  };
}
