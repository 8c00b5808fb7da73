import { writeSync } from 'node:fs';
import manifest from '../package.json' with { type: 'json' };
import { parseArguments } from './core/settings/parse.ts';
import type { ExitCode, RoleContext, Run } from './roles/role.ts';
import { type AllSettings, type CommandName, commands, settings } from './settings.ts';
import { systemClock } from './shell/system/clock.ts';
import { createLog } from './shell/telemetry/log.ts';

/** Each role is loaded only when asked for: what a process does not use costs it no memory. */
const roles: { readonly [R in CommandName]: () => Promise<{ readonly run: Run<R> }> } = {
  dns: () => import('./roles/dns/dns.ts'),
  zone: () => import('./roles/zone.ts'),
  routes: () => import('./roles/routes/routes.ts'),
  resolver: () => import('./roles/resolver.ts'),
  cleanup: () => import('./roles/cleanup.ts'),
  l3: () => import('./roles/l3/l3.ts'),
  external: () => import('./roles/external/external.ts'),
  explain: () => import('./roles/explain/explain.ts'),
  doctor: () => import('./roles/doctor/doctor.ts'),
  demo: () => import('./roles/demo/demo.ts'),
  updater: () => import('./roles/updater/updater.ts'),
  version: () => import('./roles/version.ts'),
  help: () => import('./roles/help.ts'),
};

/** Everything a role may be given; each sees its own part. */
type AnyContext = RoleContext & { readonly settings: AllSettings };

/** A full pipe is waited for: nobody may get half a list of routes. */
const stdout = (text: string) => write(1, text, 1000);
/** A full pipe loses the line: whoever reads the log slowly must not slow the answers. */
const stderr = (text: string) => write(2, text, 0);

/** Synchronous, so that nothing is lost at exit. A reader that went away must not end a server. */
function write(fd: number, text: string, waitMs: number): void {
  const bytes = Buffer.from(text);
  for (let at = 0, waitedMs = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (code === 'EAGAIN' && waitedMs < waitMs) Bun.sleepSync(waitedMs++ > 0 ? 1 : 0);
      else if (['EAGAIN', 'EPIPE', 'EIO', 'ENOSPC'].includes(code)) return;
      else throw error;
    }
  }
}

/** No arguments outside a cluster: the reader wants to know what this is, not to serve port 53. */
function commandLine(argv: readonly string[], inCluster: boolean): readonly string[] {
  const first = argv[0] ?? '';
  if (argv.length === 0 && !inCluster) return ['help'];
  if (/^--?(h|help)$/.test(first)) return ['help', ...argv.slice(1)];
  if (/^--?version$/.test(first)) return ['version', ...argv.slice(1)];
  const named = first !== '' && !first.startsWith('-');
  return named && argv.slice(1).some((word) => /^--?(h|help)$/.test(word)) ? ['help', first] : argv;
}

async function main(): Promise<ExitCode> {
  const inCluster = (process.env['KUBERNETES_SERVICE_HOST'] ?? '') !== '';
  const parsed = parseArguments(commandLine(process.argv.slice(2), inCluster), process.env, settings, commands, 'dns');
  if (!parsed.ok) {
    stderr(`${parsed.detail}\n`);
    return 2;
  }
  const { command, values, operands, warnings } = parsed.value;
  const level = values.debug ? 'debug' : values.logLevel;
  const log = createLog({ level, format: values.logFormat, clock: systemClock, write: stderr });
  for (const warning of warnings) log.warn(warning);
  const context: AnyContext = {
    settings: values,
    env: process.env,
    signal: stopSignal(),
    log,
    clock: systemClock,
    random: Math.random,
    stdout,
    stderr,
    version: manifest.version,
    operands,
  };
  const role = await roles[command]();
  return role.run(context);
}

/** The one AbortController. A second signal does not wait for the end of the lameduck time. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const [name, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(code);
      controller.abort(new Error(name));
    });
  }
  return controller.signal;
}

/** A mistake in minilb itself: one line that can be reported. */
function crash(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  const place = error instanceof Error ? /\(?([^()\s]+:\d+:\d+)\)?/.exec(error.stack ?? '')?.[1] : undefined;
  stderr(`minilb: internal error: ${message.replace(/\s+/g, ' ')}${place ? ` at ${place}` : ''}\n`);
  process.exit(1);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
main().then((code) => process.exit(code), crash);
