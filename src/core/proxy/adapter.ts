import type { Result } from '../value/result.ts';
import type { Backend } from './backend.ts';

/** A file of the folder, read back. */
export interface ParsedFile {
  readonly backend: Backend;
  /** The families its sockets are of; empty when nothing is to listen. */
  readonly families: readonly (4 | 6)[];
}

/** `foreign`: not written by an updater, and none of its business. `edited`: by an updater once, and then by somebody else. */
export type ParseErrorCode = 'foreign' | 'edited';

/** Where a copy of the folder and of the main configuration lies while the program tests it. */
export interface StagePaths {
  /** A copy of the folder. */
  readonly folder: string;
  /** A file that nothing else uses, for programs that write a pid file even when they only test. */
  readonly pidFile: string;
}

export interface MainConfig {
  readonly mainFile: string;
  readonly text: string;
  /** The folder as configured, and as it is with symbolic links followed. */
  readonly folders: readonly string[];
  /** The updater is root. Otherwise parts that are none of its business and need keys and logs that only root may open are not tested. */
  readonly asRoot: boolean;
}

/** What the main configuration says, and what it becomes for a test of the staged copy. */
export interface StagedMain {
  readonly text: string;
  /** Where the running program leaves its pid and its log, when the main configuration says so; paths as written there. */
  readonly pidFile: string | undefined;
  readonly logFile: string | undefined;
}

/** All that differs between the proxies; a further one is one more file like nginx.ts, and a row in adapters.ts. */
export interface ProxyAdapter {
  readonly name: string;
  readonly program: string;
  /** What /proc/PID/comm says of the process that takes the signal. */
  readonly processName: string;
  readonly folder: string;
  readonly mainFile: string;
  readonly pidFile: string;
  /** Of the files in the folder that the program reads. */
  readonly suffix: string;
  readonly reloadSignal: 'SIGHUP' | 'SIGUSR2';
  /** The backend as this proxy can serve it, or why it cannot. */
  readonly fit: (backend: Backend) => Result<Backend, 'refused'>;
  readonly render: (backend: Backend, families: readonly (4 | 6)[]) => string;
  /** Strict: reads what `render` writes (and what the Go updater wrote), and nothing more. */
  readonly parse: (text: string) => Result<ParsedFile, ParseErrorCode>;
  /** `no-include`: the program would not read the folder; the text says which line is missing. */
  readonly stageMain: (main: MainConfig, stage: StagePaths) => Result<StagedMain, 'no-include' | 'bad-main'>;
  readonly testArguments: (stagedMain: string, stage: StagePaths) => readonly string[];
  /** Whether an old worker with this title (/proc/PID/cmdline) takes no more connections. */
  readonly isRetired: (title: string) => boolean;
  /** What the running program wrote about a configuration that it did not take, if it did. */
  readonly logFault: (log: string) => string | undefined;
  /** Why a program started with these arguments does not read the folder; for proxies whose main configuration cannot say. */
  readonly commandLineFault: (argv: readonly string[], folders: readonly string[]) => string | undefined;
}
