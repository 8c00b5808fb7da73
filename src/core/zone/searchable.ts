import type { WireName } from '../wire/query.ts';
import type { NameTable } from './name-table.ts';

/** The zone's own name, as lookups compare it. */
export interface Apex {
  readonly wire: Uint8Array;
  readonly labels: number;
  readonly hash: number;
}

/** What a lookup needs of a zone. */
export interface Searchable {
  readonly apex: Apex;
  readonly names: NameTable;
  /** For names that were not asked for. */
  readonly scratch: WireName;
}
