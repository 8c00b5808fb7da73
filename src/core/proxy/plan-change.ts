import type { PortRange } from '../settings/kinds.ts';
import { err, ok, type Result } from '../value/result.ts';
import type { ParsedFile, ParseErrorCode, ProxyAdapter } from './adapter.ts';
import { type Backend, type Listen, listensOf, portKey } from './backend.ts';
import { parseHeader } from './header.ts';

/** A file of the folder, without the suffix in its name. */
export interface HeldFile {
  readonly name: string;
  readonly text: string;
  readonly parsed: Result<ParsedFile, ParseErrorCode>;
}

export type Change = { readonly kind: 'put'; readonly backend: Backend } | { readonly kind: 'delete'; readonly name: string };

/** Who asks. `owners` are the names of all tokens; none: everybody may change everything. */
export interface Caller {
  readonly owner: string;
  readonly owners: readonly string[];
}

export interface PortRules {
  readonly allowPorts: readonly PortRange[];
  /** The API's own, over TCP. */
  readonly apiPort: number;
}

/** One file that is to be written (`after` undefined: removed), and the sockets that come and go with it. */
export interface FileChange {
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly opens: readonly Listen[];
  readonly closes: readonly Listen[];
}

/** `conflict`: the name or the port belongs to somebody else (409). `refused`: nobody may have this (500). */
export type PlanErrorCode = 'conflict' | 'refused';

/** Reads what the folder holds. */
export function toHeldFile(name: string, text: string, adapter: Pick<ProxyAdapter, 'parse'>): HeldFile {
  const parsed = adapter.parse(text);
  if (parsed.ok && parsed.value.backend.name !== name)
    return { name, text, parsed: err('edited', `it is about ${parsed.value.backend.name}`) };
  return { name, text, parsed };
}

/** The sockets that a proxy with this file is expected to hold. */
export function heldListens(file: HeldFile | undefined): readonly Listen[] {
  return file?.parsed.ok ? listensOf(file.parsed.value.backend, file.parsed.value.families) : [];
}

/**
 * Decides what one call changes; `undefined` when the folder is already so.
 *
 * | file of that name | its owner | result |
 * |---|---|---|
 * | none | – | written (delete: nothing to do) |
 * | an updater's | the caller, nobody, or a token that is gone | written, and the caller's from now on |
 * | an updater's | another token | conflict |
 * | somebody else's | – | conflict |
 *
 * A port of the same protocol that another file has is a conflict, whoever owns it.
 */
export function planChange(
  files: ReadonlyMap<string, HeldFile>,
  change: Change,
  caller: Caller,
  rules: PortRules,
  adapter: ProxyAdapter,
  families: readonly (4 | 6)[],
): Result<FileChange | undefined, PlanErrorCode> {
  const name = change.kind === 'put' ? change.backend.name : change.name;
  const held = files.get(name);
  const fault = held && ownerFault(held, caller, adapter.suffix);
  if (fault) return err('conflict', fault);
  if (change.kind === 'delete') return ok(held && { name, before: held.text, after: undefined, opens: [], closes: heldListens(held) });
  const fitted = adapter.fit({ ...change.backend, owner: caller.owner });
  if (!fitted.ok) return fitted;
  const backend = fitted.value;
  const portFault = forbiddenPort(backend, rules);
  if (portFault) return err('refused', portFault);
  const clash = clashOf(files, backend, caller);
  if (clash) return err('conflict', clash);
  const text = adapter.render(backend, families);
  if (held?.text === text) return ok(undefined);
  return ok({ name, before: held?.text, after: text, opens: listensOf(backend, families), closes: heldListens(held) });
}

/** The port-key and owner of an updater's file, also of one that somebody edited. */
function claimOf(file: HeldFile): { readonly key: string; readonly owner: string } | undefined {
  const claim = file.parsed.ok ? file.parsed.value.backend : file.parsed.code === 'edited' ? parseHeader(file.text) : undefined;
  return claim && { key: portKey(claim), owner: claim.owner };
}

function ownerFault(held: HeldFile, caller: Caller, suffix: string): string | undefined {
  if (!held.parsed.ok && held.parsed.code === 'foreign')
    return `${held.name}${suffix} is there and was not written by an updater: move it away or choose another name`;
  return mayTouch(claimOf(held)?.owner ?? '', caller) ? undefined : `backend ${held.name} belongs to another token`;
}

function mayTouch(owner: string, caller: Caller): boolean {
  return owner === '' || owner === caller.owner || !caller.owners.includes(owner);
}

function forbiddenPort(backend: Backend, { allowPorts, apiPort }: PortRules): string | undefined {
  const { port, protocol } = backend;
  if (!allowPorts.some((range) => port >= range.low && port <= range.high))
    return `port ${port} is not allowed: -allow-ports is ${allowPorts.map(({ low, high }) => (low === high ? `${low}` : `${low}-${high}`)).join(',')}`;
  return protocol === 'TCP' && port === apiPort ? `port ${port} is not allowed: it is this API's own` : undefined;
}

/** nginx takes names that differ in case alone for the same. */
function clashOf(files: ReadonlyMap<string, HeldFile>, backend: Backend, caller: Caller): string | undefined {
  const key = portKey(backend);
  const lower = backend.name.toLowerCase();
  for (const file of files.values()) {
    if (file.name === backend.name) continue;
    const claim = claimOf(file);
    const other = claim && !mayTouch(claim.owner, caller) ? 'a backend of another token' : `backend ${file.name}`;
    if (claim?.key === key) return `port ${key} belongs to ${other}`;
    if (file.name.toLowerCase() === lower) return `the name ${backend.name} differs only in case from ${other}`;
  }
  return undefined;
}
