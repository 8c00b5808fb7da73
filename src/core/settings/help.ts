import { meaningOf } from './parse.ts';
import { type Commands, defaultFor, envNames, type Setting, type Settings } from './setting.ts';

const WIDTH = 100;
const INDENT = '        ';

/** What `minilb help` prints: the commands, and how settings are given. */
export function renderOverview(version: string, commands: Commands): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, command]) => `  ${name.padEnd(width)}  ${command.summary}`);
  return [
    `minilb ${version}: Services of type LoadBalancer without a cloud; their names resolve straight to their ready pods.`,
    '',
    'Usage: minilb [command] [flags]',
    '',
    ...lines,
    '',
    '"minilb help COMMAND" lists the flags of a command. Every flag -some-name can also be set as MINILB_SOME_NAME in the environment.',
    '',
  ].join('\n');
}

/** What `minilb help COMMAND` prints. */
export function renderCommandHelp(command: string, commands: Commands, settings: Settings): string {
  const own = ofCommand(settings, command);
  const operands = commands[command]?.operands ?? '';
  const usage = ['minilb', command, own.length > 0 ? '[flags]' : '', operands].filter((part) => part !== '').join(' ');
  const head = [`Usage: ${usage}`, '', ...wrap(`${commands[command]?.summary ?? ''}.`, '')];
  if (own.length === 0) return [...head, '', ''].join('\n');
  return [
    ...head,
    '',
    'Flags (one dash or two; -flag value or -flag=value; in the environment MINILB_FLAG):',
    ...own.flatMap((one) => flagLines(one, command)),
    '',
  ].join('\n');
}

function flagLines(one: Setting<unknown>, command: string): readonly string[] {
  const facts = [
    one.kind.toggle ? '' : one.kind.bounds,
    `default ${shown(defaultFor(one, command))}`,
    one.kind.list ? 'repeatable' : '',
    one.env.map((name) => `also ${name} in the environment`).join('; '),
  ];
  return [`  -${one.flag} ${one.kind.unit}`.trimEnd(), ...wrap(`${one.help} (${facts.filter((fact) => fact !== '').join('; ')})`, INDENT)];
}

/** docs/flags.md. */
export function renderFlagsPage(commands: Commands, settings: Settings): string {
  const sections = Object.entries(commands).flatMap(([name, command]) => {
    const own = ofCommand(settings, name);
    const rows = own.map((one) => {
      const env = envNames(one)
        .map((variable) => `\`${variable}\``)
        .join(', ');
      const value = meaningOf(one).replaceAll('|', '\\|');
      return `| \`-${one.flag}\` | ${env} | \`${shown(defaultFor(one, name))}\` | ${value}${one.kind.list ? '; repeatable' : ''} | ${one.help.replaceAll('|', '\\|')} |`;
    });
    const table =
      rows.length === 0 ? ['No flags.'] : ['| flag | environment | default | value | meaning |', '|---|---|---|---|---|', ...rows];
    return ['', `## minilb ${[name, command.operands].join(' ').trim()}`, '', `${command.summary}.`, '', ...table];
  });
  return [
    '# Flags',
    '',
    '<!-- Written by `npm run docs` from src/settings.ts. -->',
    '',
    'One dash or two, `-flag value` or `-flag=value`; a true/false flag takes a value only with `=`. A flag wins over its environment',
    'variable, which wins over the default; an empty variable counts as not set. `minilb help COMMAND` prints the same.',
    ...sections,
    '',
  ].join('\n');
}

function ofCommand(settings: Settings, command: string): readonly Setting<unknown>[] {
  return Object.values(settings).filter((one) => one.roles.includes(command));
}

function shown(text: string): string {
  return text === '' ? '""' : text;
}

function wrap(text: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}
