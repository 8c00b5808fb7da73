import { readFile } from 'node:fs/promises';
import type { MainConfig, ProxyAdapter, StagedMain } from '../../core/proxy/adapter.ts';
import { type Listen, listenKey } from '../../core/proxy/backend.ts';
import type { FileChange } from '../../core/proxy/plan-change.ts';
import { missingListens, takenListens } from '../../core/proxy/proc-net.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import type { Clock } from '../system/clock.ts';
import { tryIo } from '../system/io.ts';
import type { RunProcess } from '../system/run-process.ts';
import type { Log } from '../telemetry/log.ts';
import { type ConfFolder, STATE_FOLDER, type Stage } from './conf-folder.ts';
import { findProgram, followLog, type RunningProgram, readBoundPorts, signalReload } from './program.ts';

/** One proxy on this host and the folder it includes. */
export interface ProxyHost {
  readonly adapter: ProxyAdapter;
  /** By path or by name. */
  readonly program: string;
  readonly mainFile: string;
  /** Empty: what the main configuration says, else the adapter's default. */
  readonly pidFile: string;
  /** The folder as configured, and as it is with symbolic links followed. */
  readonly folders: readonly string[];
  readonly asRoot: boolean;
  readonly files: ConfFolder;
  readonly run: RunProcess;
  readonly clock: Clock;
  readonly log: Log;
  /** Told after each step that the system could see. */
  readonly step: (name: string) => void;
}

/** `test-failed` and `not-live` may be the fault of one change among several; the others are not. */
export type GoLiveErrorCode =
  | 'io'
  | 'bad-main'
  | 'cannot-test'
  | 'test-failed'
  | 'port-taken'
  | 'not-running'
  | 'not-live'
  | 'roll-back-failed';

type Outcome<T = void> = Result<T, GoLiveErrorCode>;

const TEST_MS_MAX = 8_000;
/** nginx tries for 2.5 s to bind before it gives up. */
const VERIFY_MS_MAX = 5_000;
const VERIFY_EVERY_MS = [5, 10, 20, 40];
const WORDS_LENGTH_MAX = 600;

/**
 * Makes the changes live, or leaves everything as it was and says why. `held` is what the proxy is expected to hold before, `wanted`
 * after. Stage → test with the real program → are new ports free → write → reload → do all ports listen; else roll back and reload again.
 * Killed anywhere in between, `recover` at the next start brings the last good configuration back.
 */
export async function goLive(
  host: ProxyHost,
  changes: readonly FileChange[],
  held: readonly Listen[],
  wanted: readonly Listen[],
  signal: AbortSignal,
): Promise<Outcome> {
  const main = await testConfiguration(host, changes, signal);
  if (!main.ok) return main;
  const program = await findReader(host, main.value);
  if (!program.ok) return program;
  const heldKeys = new Set(held.map(listenKey));
  const fresh = wanted.filter((listen) => !heldKeys.has(listenKey(listen)));
  const taken = takenListens(readBoundPorts(), fresh);
  if (taken.length > 0) return err('port-taken', `another program holds ${listText(taken)} on this host`);
  host.step('ports-free');

  const written = await writeAll(host, changes);
  if (!written.ok) return rollBack(host, main.value, written, undefined, signal);
  const wantedKeys = new Set(wanted.map(listenKey));
  const closing = held.filter((listen) => !wantedKeys.has(listenKey(listen)));
  const live = await reloadAndVerify(host, main.value, program.value, wanted, closing, signal);
  if (!live.ok) return rollBack(host, main.value, live, held, signal);
  if (changes.length === 0) return ok(undefined);
  const committed = await host.files.commit();
  host.step('committed');
  return committed;
}

/** After a crash: brings back what was before an unfinished change. Says whether there was one. */
export async function recover(host: ProxyHost): Promise<Outcome<boolean>> {
  const restored = await host.files.restore();
  if (restored.ok && restored.value) host.log.warn('an unfinished change was rolled back');
  return restored;
}

/** The running program, if it is one that reads the folder. */
export async function findReader(host: ProxyHost, main: StagedMain): Promise<Outcome<RunningProgram>> {
  const program = await findProgram(pidFileOf(host, main), host.adapter.processName);
  if (!program.ok) return program;
  const fault = host.adapter.commandLineFault(program.value.argv, host.folders);
  return fault ? err('bad-main', fault) : program;
}

function pidFileOf(host: ProxyHost, main: StagedMain): string {
  if (host.pidFile !== '') return host.pidFile;
  return main.pidFile?.startsWith('/') ? main.pidFile : host.adapter.pidFile;
}

/** Has the real program judge a copy of the folder with the changes made; nothing that runs is touched. */
export async function testConfiguration(
  host: ProxyHost,
  changes: readonly FileChange[],
  signal: AbortSignal,
): Promise<Outcome<StagedMain>> {
  let main: Outcome<StagedMain> = err('bad-main');
  const text = await tryIo(`read ${host.mainFile}`, () => readFile(host.mainFile, 'utf8'));
  if (!text.ok) return text;
  try {
    const stage = await host.files.stage(changes, host.mainFile, (paths) => {
      const staged = host.adapter.stageMain(mainOf(host, text.value), paths);
      main = staged.ok ? staged : err('bad-main', staged.detail);
      return staged.ok ? staged.value.text : '';
    });
    if (!stage.ok) return stage;
    host.step('staged');
    if (!main.ok) return main;
    const { adapter } = host;
    const argv = [host.program, ...adapter.testArguments(stage.value.mainFile, stage.value)] as const;
    const result = await host.run(argv, { timeoutMs: TEST_MS_MAX, outputBytesMax: 1024 * 1024 }, signal);
    if (!result.ok) return err('cannot-test', `the configuration cannot be tested: ${result.detail}`);
    host.step('tested');
    const { exitCode, stdout, stderr } = result.value;
    return exitCode === 0 ? main : err('test-failed', wordsOf(`${stderr}\n${stdout}`, stage.value, host) || `${adapter.name} says no`);
  } finally {
    await host.files.unstage();
  }
}

function mainOf({ mainFile, folders, asRoot }: ProxyHost, text: string): MainConfig {
  return { mainFile, text, folders, asRoot };
}

async function writeAll(host: ProxyHost, changes: readonly FileChange[]): Promise<Outcome> {
  if (changes.length === 0) return ok(undefined);
  const prepared = await host.files.prepare(changes);
  if (!prepared.ok) return prepared;
  host.step('prepared');
  for (const change of changes) {
    const written = await host.files.write(change);
    if (!written.ok) return written;
    host.step(`written ${change.name}`);
  }
  const synced = await host.files.sync();
  host.step('synced');
  return synced;
}

async function reloadAndVerify(
  host: ProxyHost,
  main: StagedMain,
  before: RunningProgram,
  wanted: readonly Listen[],
  closing: readonly Listen[],
  signal: AbortSignal,
): Promise<Outcome> {
  const newLines = await followLog(main.logFile);
  const signalled = signalReload(before, host.adapter.reloadSignal);
  if (!signalled.ok) return err('not-running', signalled.detail);
  host.step('reloaded');
  const until = host.clock.now() + VERIFY_MS_MAX;
  for (let round = 0; ; round++) {
    await host.clock.after(VERIFY_EVERY_MS[Math.min(round, VERIFY_EVERY_MS.length - 1)] ?? 0, signal);
    const now = await findProgram(pidFileOf(host, main), host.adapter.processName);
    const took = now.ok && hasTaken(now.value, before, host.adapter);
    const bound = readBoundPorts();
    const missing = missingListens(bound, wanted);
    const lingering = closing.filter((listen) => bound.everywhere.has(listenKey(listen)));
    if (took && missing.length === 0 && lingering.length === 0) break;
    const late = host.clock.now() > until || signal.aborted;
    const fault = (took && missing.length === 0) || round % 4 !== 3 ? undefined : host.adapter.logFault(await newLines());
    if (!late && fault === undefined) continue;
    if (took && missing.length === 0) {
      host.log.warn('ports that were given up still listen: another program may hold them', { ports: listText(lingering) });
      break;
    }
    const why = fault ?? host.adapter.logFault(await newLines());
    const seen = !now.ok ? now.detail : missing.length > 0 ? `${listText(missing)} does not listen` : 'it goes on with its old workers';
    return err('not-live', `${host.adapter.name} did not take the configuration: ${why ? why.trim().slice(0, WORDS_LENGTH_MAX) : seen}`);
  }
  host.step('verified');
  return ok(undefined);
}

/** New workers run, and of the old ones none takes connections any more. */
function hasTaken(now: RunningProgram, before: RunningProgram, adapter: ProxyAdapter): boolean {
  if (now.pid !== before.pid) return true;
  const workers = [...now.workers];
  const old = workers.filter(([pid]) => before.workers.has(pid));
  return workers.length > old.length && old.every(([, title]) => adapter.isRetired(title));
}

/** `held` is what must listen again when the program has been told of the change; undefined when it has not. */
async function rollBack(
  host: ProxyHost,
  main: StagedMain,
  cause: { readonly ok: false; readonly code: GoLiveErrorCode; readonly detail: string },
  held: readonly Listen[] | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  const restored = await host.files.restore();
  if (!restored.ok) return err('roll-back-failed', `${cause.detail}; and ${restored.detail}`);
  host.step('restored');
  if (held === undefined) return cause;
  const program = await findReader(host, main);
  if (!program.ok) return err(cause.code, `${cause.detail}; the last good configuration is back, but ${program.detail}`);
  const back = await reloadAndVerify(host, main, program.value, held, [], signal);
  host.step('rolled back');
  return back.ok ? cause : err('roll-back-failed', `${cause.detail}; and after rolling back: ${back.detail}`);
}

/** The program's own words, with the paths that its user knows. */
function wordsOf(output: string, stage: Stage, host: ProxyHost): string {
  const lines = output
    .replaceAll(stage.folder, host.folders[0] ?? '')
    .replaceAll(stage.mainFile, host.mainFile)
    .split('\n')
    .map((line) => line.trim())
    // nginx opens the log it was compiled with before it reads the configuration; nothing is ever written to it here.
    .filter((line) => line !== '' && !line.includes('could not open error log file'));
  const grave = lines.filter((line) => /\[(emerg|alert|crit)\]/i.test(line));
  return (grave.length > 0 ? grave : lines).join('; ').slice(0, WORDS_LENGTH_MAX).replaceAll(`/${STATE_FOLDER}/stage/conf`, '');
}

function listText(listens: readonly Listen[]): string {
  const shown = [...new Set(listens.map(({ port, protocol }) => `port ${port}/${protocol}`))];
  return shown.length > 5 ? `${shown.slice(0, 5).join(', ')} and ${shown.length - 5} more` : shown.join(', ');
}

/** Whether the main configuration reads the folder; the error is the line that is missing. */
export async function findMainFault(host: ProxyHost): Promise<Outcome> {
  const text = await tryIo(`read ${host.mainFile}`, () => readFile(host.mainFile, 'utf8'));
  if (!text.ok) return text;
  const stage = { folder: host.folders[0] ?? '', pidFile: '' };
  const staged = host.adapter.stageMain(mainOf(host, text.value), stage);
  if (!staged.ok) return err('bad-main', staged.detail);
  const program = await findReader(host, staged.value);
  return program.ok || program.code === 'not-running' ? ok(undefined) : program;
}
