import type { ClaimBook } from './claim-book.ts';

/** Entries printed at most; a cluster with more is better served by a few wildcards. */
export const SUGGESTED_MAX = 64;

/**
 * The `-claim-hosts` value that allows just what is claimed now, each name for the namespaces that claim it: `team-a=www.sko.ai,…`,
 * sorted. Empty when nothing is claimed; `undefined` when that would be more than anybody reads.
 */
export function suggestClaimHosts(book: Pick<ClaimBook, 'patterns' | 'claims'>): string | undefined {
  const entries = new Set<string>();
  for (const pattern of book.patterns()) for (const { source } of book.claims(pattern)) entries.add(`${source.namespace}=${pattern}`);
  return entries.size <= SUGGESTED_MAX ? [...entries].sort().join() : undefined;
}
