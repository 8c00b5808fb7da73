/** A statement of a scenario script: its first line, and what is indented below it. */
export interface Statement {
  /** Line number in the file, from 1. */
  readonly line: number;
  readonly text: string;
  readonly body: readonly Statement[];
}

/** Reads the lines of a script: indentation by two spaces nests, `#` begins a comment line, blank lines mean nothing. */
export function parseScript(text: string): readonly Statement[] {
  const top: Statement[] = [];
  const open: { depth: number; body: Statement[] }[] = [{ depth: -1, body: top }];
  for (const [i, raw] of text.split('\n').entries()) {
    if (raw.trim() === '' || raw.trimStart().startsWith('#')) continue;
    const spaces = raw.length - raw.trimStart().length;
    if (spaces % 2 !== 0) throw new Error(`line ${i + 1}: indentation is two spaces a level`);
    const depth = spaces / 2;
    while ((open.at(-1)?.depth ?? -1) >= depth) open.pop();
    const parent = open.at(-1);
    if (!parent || depth > parent.depth + 1) throw new Error(`line ${i + 1}: indented too far`);
    const body: Statement[] = [];
    parent.body.push({ line: i + 1, text: raw.trim(), body });
    open.push({ depth, body });
  }
  return top;
}

/** A line such as `ingress web in team-a, hosts a.sko.ai b.sko.ai, status 192.0.2.1`, taken apart. */
export interface ObjectLine {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  /** `hosts` → `a.sko.ai b.sko.ai`; a clause that comes several times is a list. */
  readonly clauses: ReadonlyMap<string, readonly string[]>;
}

export function parseObjectLine({ line, text }: Statement): ObjectLine {
  const [head = '', ...rest] = text.split(/,\s*/);
  const found = /^(\S+) (\S+)(?: in (\S+))?$/.exec(head);
  if (!found) throw new Error(`line ${line}: "${head}" is no "kind name in namespace"`);
  const clauses = new Map<string, string[]>();
  for (const clause of rest) {
    const space = clause.indexOf(' ');
    const key = space < 0 ? clause : clause.slice(0, space);
    clauses.set(key, [...(clauses.get(key) ?? []), space < 0 ? '' : clause.slice(space + 1)]);
  }
  return { kind: found[1] ?? '', name: found[2] ?? '', namespace: found[3] ?? '', clauses };
}

/** The one value of a clause; empty without it. */
export function clause(line: ObjectLine, key: string): string {
  return line.clauses.get(key)?.[0] ?? '';
}

/** The words of a clause; none without it. */
export function words(line: ObjectLine, key: string): readonly string[] {
  return clause(line, key)
    .split(' ')
    .filter((word) => word !== '');
}
