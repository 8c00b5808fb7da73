import type { ListReport, Row } from './api-schema.ts';

/** What is asked of a list; checked and bounded by `parseListQuery`. */
export interface ListQuery {
  /** Lower case; empty: all. */
  readonly search: string;
  readonly onlyTrouble: boolean;
  /** The key of the last row of the page before; empty: from the start. */
  readonly after: string;
  readonly limit: number;
}

/** Work that is done piece by piece, so that whoever calls it can let others have their turn in between. */
export interface Listing {
  /** Does one piece; true when nothing is left to do. */
  readonly step: () => boolean;
  /** To be called once `step` has returned true. */
  readonly result: () => ListReport;
}

/** A list that is short by its nature (Nodes, upstreams): made at once. */
export function shortListing(items: readonly Row[], texts: ListReport['texts'] = []): Listing {
  return { step: () => true, result: () => ({ items, matched: items.length, next: '', texts }) };
}

/** A list that is there as a whole: searched in the fields that tell rows from each other, and sorted by them. */
export function arrayListing(rows: readonly Row[], query: ListQuery, identity: readonly string[]): Listing {
  const selection = createSelection<Row>(query);
  const step = () => {
    for (const row of rows) {
      const key = identity.map((field) => String(row[field])).join(' ');
      const { level } = row;
      if (query.onlyTrouble && level !== 'trouble' && level !== 'notice') continue;
      if (!key.toLowerCase().includes(query.search)) continue;
      matched++;
      selection.offer(key, row);
    }
    return true;
  };
  let matched = 0;
  return { step, result: () => ({ items: selection.rows().map(({ value }) => value), matched, next: selection.next(), texts: [] }) };
}

/** The first rows after a key, of any number that are offered in any order: holds no more than a page of them. */
export interface Selection<T> {
  /** Takes the row, or lets it pass when it is before the page or behind it. */
  readonly offer: (key: string, value: T) => void;
  /** There is a row behind the page. */
  readonly more: () => void;
  readonly rows: () => readonly { readonly key: string; readonly value: T }[];
  /** The key of the last row where others follow, else empty. */
  readonly next: () => string;
  /** When the page is full: what has a key from this one on is behind it. */
  readonly end: () => string | undefined;
}

export function createSelection<T>({ after, limit }: Pick<ListQuery, 'after' | 'limit'>): Selection<T> {
  const kept: { readonly key: string; readonly value: T }[] = [];
  let followed = false;
  const end = () => (kept.length >= limit ? kept.at(-1)?.key : undefined);
  const offer = (key: string, value: T) => {
    if (key <= after) return;
    const last = end();
    if (last !== undefined && key >= last) {
      followed = true;
      return;
    }
    kept.splice(placeOf(kept, key), 0, { key, value });
    if (kept.length <= limit) return;
    kept.pop();
    followed = true;
  };
  const more = () => {
    followed = true;
  };
  return { offer, more, rows: () => kept, next: () => (followed ? (kept.at(-1)?.key ?? '') : ''), end };
}

function placeOf(sorted: readonly { readonly key: string }[], key: string): number {
  let low = 0;
  for (let high = sorted.length; low < high; ) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.key ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

export const LIMIT_MAX = 100;
const LIMIT_DEFAULT = 50;
/** The longest name, with `*.` before it. */
const TEXT_LENGTH_MAX = 255;

/** Reads `q`, `only`, `after` and `limit`; what follows `error` says what is wrong with them. */
export function parseListQuery(parameters: Iterable<readonly [name: string, value: string]>): ListQuery | { readonly error: string } {
  let query: ListQuery = { search: '', onlyTrouble: false, after: '', limit: LIMIT_DEFAULT };
  for (const [name, value] of parameters) {
    if (value.length > TEXT_LENGTH_MAX) return { error: `${name} is longer than ${TEXT_LENGTH_MAX} characters` };
    if (name === 'q') query = { ...query, search: value.trim().toLowerCase() };
    else if (name === 'after') query = { ...query, after: value };
    else if (name === 'only' && value === 'trouble') query = { ...query, onlyTrouble: true };
    else if (name === 'limit' && /^\d{1,3}$/.test(value) && Number(value) >= 1 && Number(value) <= LIMIT_MAX)
      query = { ...query, limit: Number(value) };
    else return { error: `there are q, only=trouble, after and limit=1 to ${LIMIT_MAX}; not ${JSON.stringify(`${name}=${value}`)}` };
  }
  return query;
}
