import { err, ok, type Result } from '../value/result.ts';
import { quote } from './kinds.ts';
import { type Commands, defaultFor, envNames, type Setting, type Settings, type ValuesOf } from './setting.ts';
import { suggest } from './suggest.ts';

export interface Parsed<S extends Settings, C extends Commands> {
  readonly command: keyof C & string;
  readonly values: ValuesOf<S>;
  readonly operands: readonly string[];
  /** Things that are odd but do no harm, one line each. */
  readonly warnings: readonly string[];
}

type Env = Readonly<Record<string, string | undefined>>;
type Usage = { readonly ok: false; readonly code: 'usage'; readonly detail: string };

/**
 * Reads a command line after the program's name, by the rules of Go's flag package: one dash or two, `-flag value` or
 * `-flag=value`, a toggle takes a value only with `=`, `--` ends the flags. Order: flag, environment, default; an empty
 * environment variable counts as not set. Settings of other commands hold their defaults. The error is one line that says what
 * was wrong and what is meant.
 */
export function parseArguments<S extends Settings, C extends Commands>(
  argv: readonly string[],
  env: Env,
  settings: S,
  commands: C,
  defaultCommand: string,
): Result<Parsed<S, C>, 'usage'> {
  const named = argv[0] !== undefined && !argv[0].startsWith('-');
  const command = named ? (argv[0] ?? '') : defaultCommand;
  if (!Object.hasOwn(commands, command)) return usage(unknownCommand(command, Object.keys(commands)));
  const rest = argv.slice(named ? 1 : 0);
  const { subcommands, operandsMax = 0, flagsAnywhere = false } = commands[command] ?? {};
  const line = readLine(rest, command, settings, subcommands ?? [], flagsAnywhere);
  if (!line.ok) return line;
  const { operands } = line.value;
  const extra = operands.find((word, i) => i >= operandsMax || (subcommands && !subcommands.includes(word)));
  if (extra !== undefined) return usage(`minilb ${command}: unexpected argument ${quote(extra)}${afterToggle(line.value, extra)}`);
  const values: Record<string, unknown> = {};
  for (const [property, one] of Object.entries(settings)) {
    const value = readValue(one, command, line.value.texts.get(property), env);
    if (!value.ok) return value;
    values[property] = value.value;
  }
  return ok({
    command,
    values: values as ValuesOf<S>,
    operands: line.value.operands,
    warnings: unknownVariables(env, settings),
  });
}

interface Line {
  /** Values by property, in the order given. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
  /** A toggle given without a value just before an operand: `-controller false`. */
  readonly lastToggle: string;
}

function readLine(
  args: readonly string[],
  command: string,
  settings: Settings,
  subcommands: readonly string[],
  flagsAnywhere: boolean,
): Result<Line, 'usage'> {
  const texts = new Map<string, string[]>();
  /** What came before further flags: a subcommand, or operands where flags may follow them. */
  let early: readonly string[] = [];
  let lastToggle = '';
  for (let i = 0; i < args.length; i++) {
    const word = args[i] ?? '';
    if (word === '--') return ok({ texts, operands: [...early, ...args.slice(i + 1)], lastToggle: '' });
    if (early.length === 0 && subcommands.includes(word)) {
      early = [word];
      continue;
    }
    const flag = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word);
    if (!flag) {
      if (word.startsWith('-') && word !== '-') return usage(`minilb ${command}: ${quote(word)} is not a flag`);
      if (!flagsAnywhere) return ok({ texts, operands: [...early, ...args.slice(i)], lastToggle });
      early = [...early, word];
      continue;
    }
    const name = flag[1] ?? '';
    const found = Object.entries(settings).find(([, one]) => one.flag === name && one.roles.includes(command));
    if (!found) return usage(unknownFlag(name, command, settings));
    const [property, one] = found;
    const text = flag[2] ?? (one.kind.toggle ? 'true' : args[++i]);
    if (text === undefined) return usage(`minilb ${command}: -${name} needs a value: ${meaningOf(one)}`);
    lastToggle = one.kind.toggle && flag[2] === undefined ? name : '';
    texts.set(property, [...(texts.get(property) ?? []), text]);
  }
  return ok({ texts, operands: early, lastToggle: '' });
}

function readValue(one: Setting<unknown>, command: string, given: readonly string[] | undefined, env: Env): Result<unknown, 'usage'> {
  const applies = one.roles.includes(command);
  const variable = applies && given === undefined ? envNames(one).find((name) => (env[name] ?? '') !== '') : undefined;
  const last = given?.at(-1) ?? '';
  const text = given ? (one.kind.list ? given.join(',') : last) : variable ? (env[variable] ?? '') : defaultFor(one, command);
  const value = one.kind.parse(text);
  if (value.ok) return value;
  if (!given && !variable) throw new Error(`the default of -${one.flag}, ${quote(text)}, ${value.detail}`);
  return usage(`minilb ${command}: ${variable ?? `-${one.flag}`} ${quote(text)} ${value.detail}`);
}

/** `seconds, 0 to 86400`. */
export function meaningOf(one: Setting<unknown>): string {
  return [one.kind.unit, one.kind.bounds].filter((part) => part !== '').join(', ');
}

function unknownCommand(word: string, commands: readonly string[]): string {
  const near = suggest(word, commands);
  return `minilb: unknown command ${quote(word)}${near ? `; did you mean "minilb ${near}"?` : `; the commands are ${commands.join(', ')}`}`;
}

function unknownFlag(name: string, command: string, settings: Settings): string {
  const start = `minilb ${command}: unknown flag ${quote(`-${name}`)}`;
  const here = Object.values(settings).filter((one) => one.roles.includes(command));
  const near = suggest(
    name,
    here.map((one) => one.flag),
  );
  if (near) return `${start}; did you mean -${near}?`;
  const elsewhere = Object.values(settings).find((one) => one.flag === name);
  if (elsewhere) return `${start}; it belongs to ${elsewhere.roles.map((role) => `"minilb ${role}"`).join(', ')}`;
  return `${start}; "minilb help ${command}" lists the flags there are`;
}

function afterToggle(line: Line, extra: string): string {
  return line.lastToggle === '' ? '' : `; -${line.lastToggle} takes its value with "=": -${line.lastToggle}=${extra.slice(0, 20)}`;
}

/** What the kubelet sets for a Service called minilb or minilb-…: `MINILB_SERVICE_HOST`, `MINILB_DNS_PORT_53_UDP_ADDR`. */
const SERVICE_LINK = /^MINILB_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;
const WARNINGS_MAX = 20;

function unknownVariables(env: Env, settings: Settings): readonly string[] {
  const known = Object.values(settings).flatMap(envNames);
  const unknown = Object.keys(env).filter((name) => name.startsWith('MINILB_') && !known.includes(name) && !SERVICE_LINK.test(name));
  return unknown
    .sort()
    .slice(0, WARNINGS_MAX)
    .map((name) => {
      const near = suggest(
        name.slice('MINILB_'.length),
        known.map((one) => one.slice('MINILB_'.length).toLowerCase()),
      );
      const meant = near ? `; did you mean MINILB_${near.toUpperCase()}?` : '';
      return `unknown environment variable ${quote(name)} is ignored${meant}`;
    });
}

function usage(detail: string): Usage {
  return err('usage', detail.replace(/\s*\n\s*/g, ' '));
}
