/** An expected outcome: a value, or a stable code with a sentence that names the thing and the remedy. */
export type Result<T, C extends string = string> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: C; readonly detail: string };

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function err<C extends string>(code: C, detail = ''): { readonly ok: false; readonly code: C; readonly detail: string } {
  return { ok: false, code, detail };
}

/** Marks a branch that the types say cannot be reached; throws when they are wrong. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
