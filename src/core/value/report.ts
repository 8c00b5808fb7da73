// The JSON that `GET /api/v1/names/{name}` answers with and `minilb explain -o json` prints.

/** What one query gets. */
export interface AnswerReport {
  readonly name: string;
  /** `A`, `AAAA`, `SRV`, … */
  readonly type: string;
  /** `answer`, `forwarded` (asked of `-upstream`), `NODATA` (the name exists without such records), or another RCODE by name. */
  readonly outcome: string;
  /** The answer section, `type data` each, sorted; a CNAME comes with what it leads to, as far as that is ours. */
  readonly records: readonly string[];
}

/** One reason, as data and as a sentence. */
export interface NoteReport {
  /** Stable, for programs: `EndpointNotReady`. */
  readonly code: string;
  /** `trouble`: somebody should do something about it. */
  readonly level: 'fact' | 'trouble';
  readonly text: string;
}

/** Why a name has these addresses, or none. */
export interface NameReport {
  readonly name: string;
  /** The zone of the server that answered. */
  readonly domain: string;
  /** True when some query got records, or is another server's to answer. */
  readonly found: boolean;
  /** One sentence. */
  readonly summary: string;
  readonly answers: readonly AnswerReport[];
  /** The most important first. */
  readonly notes: readonly NoteReport[];
}

/** Where a report comes from: a running server's own word, or what the cluster makes of its settings. */
export interface ReportSource {
  readonly kind: 'asked' | 'computed';
  /** The API server. */
  readonly cluster: string;
  /** `namespace/name` of the Pod that was asked, or whose settings were used; empty when there is none. */
  readonly pod: string;
  /** The settings of that Pod that are no defaults, as flags. */
  readonly settings: readonly string[];
  /** Why no Pod was asked; empty when one was. */
  readonly reason: string;
}

/** What `minilb explain -o json` prints. */
export interface ExplainReport extends NameReport {
  readonly source: ReportSource;
}

export function fact(code: string, text: string): NoteReport {
  return { code, level: 'fact', text };
}

export function trouble(code: string, text: string): NoteReport {
  return { code, level: 'trouble', text };
}
