import type { ClaimOutcome, Decision } from '../claim/decision.ts';
import { describeSource, lossText, refusalText } from '../claim/notices.ts';
import type { DnsName } from '../value/dns-name.ts';
import type { Claims } from '../zone/claimed-names.ts';
import type { ClaimRow } from './api-schema.ts';
import { createSelection, type Listing, type ListQuery } from './listing.ts';

/** Under a millisecond, with the decisions that `only=trouble` needs. */
const PATTERNS_A_STEP = 200;
/** Outcomes of one host that are listed; the owner comes first. */
const OUTCOMES_MAX = 20;

/** Who claims which host, by host; `limit` counts hosts, and one may have several rows. */
export function listClaims(query: ListQuery, claims: Claims): Listing {
  const patterns = claims.book.patterns()[Symbol.iterator]();
  const selection = createSelection<DnsName>(query);
  let matched = 0;
  const step = () => {
    for (let i = 0; i < PATTERNS_A_STEP; i++) {
      const { done, value: pattern } = patterns.next();
      if (done) return true;
      if (query.search !== '' && !pattern.includes(query.search)) continue;
      if (query.onlyTrouble && claims.decide(pattern).outcomes.every(({ kind }) => kind === 'owner')) continue;
      matched++;
      selection.offer(pattern, pattern);
    }
    return false;
  };
  const result = () => ({
    items: selection.rows().flatMap(({ value }) => toRows(claims.decide(value))),
    matched,
    next: selection.next(),
    texts: [],
  });
  return { step, result };
}

const RANK = { owner: 0, lost: 1, refused: 2 } as const;

function toRows({ pattern, outcomes }: Decision): readonly ClaimRow[] {
  const sorted = [...outcomes].sort((a, b) => RANK[a.kind] - RANK[b.kind] || (sourceText(a) < sourceText(b) ? -1 : 1));
  return sorted.slice(0, OUTCOMES_MAX).map((outcome) => ({ name: pattern, object: sourceText(outcome), ...wordsOf(outcome) }));
}

function sourceText({ claim }: ClaimOutcome): string {
  return describeSource(claim.source);
}

function wordsOf(outcome: ClaimOutcome): Pick<ClaimRow, 'result' | 'detail' | 'level'> {
  switch (outcome.kind) {
    case 'owner': {
      const points = outcome.claim.target.points.flatMap(({ ip, hostname }) => ip ?? hostname ?? []);
      return { result: 'owner', detail: `leads to ${points.join(', ')}`, level: 'good' };
    }
    case 'refused':
      return { result: 'refused', detail: refusalText(outcome.refusal), level: 'trouble' };
    case 'lost': {
      const winner = outcome.to ? ` ${describeSource(outcome.to.source)}` : '';
      return { result: 'lost', detail: `${lossText(outcome.loss)}${winner}`, level: 'trouble' };
    }
  }
}
