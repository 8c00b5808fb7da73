import type { Query } from '../wire/query.ts';
import { createNameSet } from './special-names.ts';

/** Probe names stand below this top-level name, which does not exist: special ones such as `test` some resolvers answer themselves. */
const PROBE_SUFFIX = 'minilb-loop-probe';
const TOKEN_LENGTH = 32;
const probes = createNameSet([PROBE_SUFFIX]);

/** How often upstreams are probed, and how long a probe may take to come back. */
export const PROBE_EVERY_MS = 600_000;
export const PROBE_WAIT_MS = 3_000;

/** The name that is asked of one upstream in one round, in wire form. `token`: 32 hexadecimal digits that nobody can guess. */
export function probeName(token: string): Uint8Array {
  const text = [token, PROBE_SUFFIX];
  return Uint8Array.from([...text.flatMap((label) => [label.length, ...[...label].map((letter) => letter.charCodeAt(0))]), 0]);
}

/** The token in a query for a probe name, ours or another replica's; `undefined` for other names. Such queries are never forwarded. */
export function probeToken(query: Query): string | undefined {
  if (!probes.covers(query)) return undefined;
  return query.name[0] === TOKEN_LENGTH ? String.fromCharCode(...query.name.subarray(1, 1 + TOKEN_LENGTH)) : '';
}

export interface ProbeRound {
  /** Token sent to each upstream, by its place in the list. */
  readonly tokens: readonly string[];
  readonly returned: readonly boolean[];
}

export function beginRound(tokens: readonly string[]): ProbeRound {
  return { tokens, returned: tokens.map(() => false) };
}

/** The round after a probe came in; the place of the upstream that brought it, -1 for a token of none. */
export function probeReturned(round: ProbeRound, token: string): { readonly round: ProbeRound; readonly upstream: number } {
  const upstream = token === '' ? -1 : round.tokens.indexOf(token);
  return { round: { ...round, returned: round.returned.map((was, i) => was || i === upstream) }, upstream };
}
