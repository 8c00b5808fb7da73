import { readFileSync } from 'node:fs';
import { posix } from 'node:path';

/** One import as the source spells it, resolved to a path below the root where it is relative. */
export interface Import {
  readonly from: string;
  /** A path such as `src/core/value/ip.ts`, or a package such as `node:fs`. */
  readonly to: string;
  readonly relative: boolean;
  /** `await import(…)`: loaded only when reached. */
  readonly dynamic: boolean;
}

const STATIC = /(?:^|\n)\s*(?:import|export)\s[^'";`]*?\bfrom\s*(['"])([^'"]+)\1/g;
const BARE = /(?:^|\n)\s*import\s*(['"])([^'"]+)\1/g;
const DYNAMIC = /\bimport\(\s*(['"])([^'"]+)\1/g;

/** Reads the import lines of a file: also `import type`, `export … from`, `import('…')` in code and in types. */
export function importsOf(root: string, file: string): readonly Import[] {
  const source = readFileSync(`${root}/${file}`, 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');
  const found = (pattern: RegExp, dynamic: boolean) =>
    [...source.matchAll(pattern)].map((match) => toImport(file, match[2] ?? '', dynamic));
  return [...found(STATIC, false), ...found(BARE, false), ...found(DYNAMIC, true)];
}

function toImport(from: string, specifier: string, dynamic: boolean): Import {
  const relative = specifier.startsWith('.');
  return { from, to: relative ? posix.join(posix.dirname(from), specifier) : specifier, relative, dynamic };
}

/** The first cycle met, as the files on it; `undefined` when there is none. */
export function findCycle(edges: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): readonly string[] | undefined => {
    if (done.has(file)) return undefined;
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file];
    path.push(file);
    for (const next of edges.get(file) ?? []) {
      const cycle = visit(next);
      if (cycle) return cycle;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of edges.keys()) {
    const cycle = visit(file);
    if (cycle) return cycle;
  }
  return undefined;
}

/** Every file that can be reached from one. */
export function reachableFrom(start: string, edges: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const seen = new Set([start]);
  for (const file of seen) for (const next of edges.get(file) ?? []) seen.add(next);
  return seen;
}
