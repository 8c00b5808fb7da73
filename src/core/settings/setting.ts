import type { Kind } from './kinds.ts';

/** One setting, declared once: parser, help, docs/flags.md and the roles' types all come from it. */
export interface Setting<T, R extends string = string> {
  readonly flag: string;
  /** Environment names looked at after `MINILB_<FLAG>`, in order. */
  readonly env: readonly string[];
  readonly roles: readonly R[];
  /** As a user would write it. */
  readonly default: string;
  /** Where one role's default differs. */
  readonly defaultOf: Readonly<Record<string, string>>;
  readonly help: string;
  readonly kind: Kind<T>;
}

/** What a command is called and takes, for the parser and for help. */
export interface Command {
  readonly summary: string;
  /** Operands after the flags, as help shows them, for example `[command]`; empty for none. */
  readonly operands: string;
  readonly operandsMax: number;
  /** The only operands there may be; flags may follow one. */
  readonly subcommands?: readonly string[];
  /** Flags may also follow the operands, as they do in kubectl. */
  readonly flagsAnywhere?: true;
}

export type Settings = Readonly<Record<string, Setting<unknown>>>;
export type Commands = Readonly<Record<string, Command>>;

/** The values of a declaration, by property. */
export type ValuesOf<S extends Settings> = { readonly [K in keyof S]: S[K] extends Setting<infer T, string> ? T : never };

/** Only the settings that are declared for a role. */
export type SettingsOf<S extends Settings, R extends string> = {
  readonly [K in keyof S as R extends S[K]['roles'][number] ? K : never]: S[K] extends Setting<infer T, string> ? T : never;
};

/** Declares one setting; `roles` stays a tuple of literals, so that a role's type holds just its own settings. */
export function setting<T, const R extends string>(
  kind: Kind<T>,
  declared: {
    readonly flag: string;
    readonly env?: readonly string[];
    readonly roles: readonly R[];
    readonly default: string;
    readonly defaultOf?: Readonly<Record<string, string>>;
    readonly help: string;
  },
): Setting<T, R> {
  return { env: [], defaultOf: {}, ...declared, kind };
}

/** `max-answers` → `MINILB_MAX_ANSWERS`. */
export function envName(flag: string): string {
  return `MINILB_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** All environment names of a setting, in the order they are looked at. */
export function envNames(one: Setting<unknown>): readonly string[] {
  return [envName(one.flag), ...one.env];
}

export function defaultFor(one: Setting<unknown>, command: string): string {
  return one.defaultOf[command] ?? one.default;
}
