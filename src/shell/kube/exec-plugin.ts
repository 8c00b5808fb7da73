import { dirname, isAbsolute, join } from 'node:path';
import type { ExecPlugin } from '../../core/kubeconfig/kubeconfig.ts';
import { asObject, asString } from '../../core/object/raw.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import { type Clock, wallOf, withTimeout } from '../system/clock.ts';
import type { Credentials, CredentialsErrorCode, Identity } from './credentials.ts';
import { checkPem } from './material.ts';

export interface ExecOptions {
  readonly plugin: ExecPlugin;
  /** For plugins that ask for it (`provideClusterInfo`). */
  readonly cluster: Pick<Credentials, 'server' | 'ca' | 'serverName' | 'insecureSkipTlsVerify' | 'proxyUrl'>;
  /** What the kubeconfig gives besides; the plugin's answer wins. */
  readonly fixed: Identity;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

/** A plugin that asks a person may take its time; one that hangs must not hold minilb for ever. */
const PLUGIN_MS_MAX = 60_000;
const OUTPUT_BYTES_MAX = 1024 * 1024;
/** Renewed so long before it expires. */
const EXPIRY_MARGIN_MS = 10_000;

type Answer = Result<{ readonly identity: Identity; readonly expiresAt: number }, CredentialsErrorCode>;

interface Run {
  readonly answer: Promise<Answer>;
  readonly stop: AbortController;
  waiting: number;
}

/**
 * Runs the plugin when its last answer has expired, or the server refused it. Several requests that wait share one run; it is stopped when
 * none of them waits any more.
 */
export function createExecIdentity(options: ExecOptions): Credentials['identify'] {
  let held: { readonly identity: Identity; readonly expiresAt: number } | undefined;
  let run: Run | undefined;

  const begin = (): Run => {
    const stop = new AbortController();
    const answer = runPlugin(options, stop.signal).then((result) => {
      if (result.ok) held = result.value;
      if (run?.stop === stop) run = undefined;
      return result;
    });
    return { answer, stop, waiting: 0 };
  };

  return async (renew, signal) => {
    if (held && !renew && options.clock.wall() < held.expiresAt - EXPIRY_MARGIN_MS) return ok(held.identity);
    run ??= begin();
    const mine = run;
    mine.waiting++;
    const given = await Promise.race([mine.answer, aborted(signal)]);
    mine.waiting--;
    if (given) return given.ok ? ok(given.value.identity) : given;
    if (mine.waiting === 0) {
      mine.stop.abort();
      if (run === mine) run = undefined;
    }
    return err('plugin-failed', `nobody waits for the exec plugin ${options.plugin.command} any more`);
  };
}

async function runPlugin(options: ExecOptions, signal: AbortSignal): Promise<Answer> {
  const { plugin, env, clock } = options;
  const fail = (why: string) =>
    err('plugin-failed', `the exec plugin ${plugin.command} ${why}${plugin.installHint ? ` (${plugin.installHint.slice(0, 300)})` : ''}`);
  const interactive = plugin.interactive !== 'Never' && process.stdin.isTTY === true;
  if (plugin.interactive === 'Always' && !interactive) return fail('wants to ask a person, and there is no terminal');
  const limited = withTimeout(clock, PLUGIN_MS_MAX, signal);
  try {
    const child = Bun.spawn([commandOf(plugin), ...plugin.args], {
      env: { ...env, ...plugin.env, KUBERNETES_EXEC_INFO: execInfo(options, interactive) },
      stdin: interactive ? 'inherit' : 'ignore',
      stdout: 'pipe',
      stderr: 'inherit',
      signal: limited.signal,
      maxBuffer: OUTPUT_BYTES_MAX,
    });
    const said = Promise.all([new Response(child.stdout).text(), child.exited]);
    // The signal kills the plugin, but what it started may still hold its output open.
    const ended = await Promise.race([said, limited.late]);
    if (!ended) return fail(`did not answer within ${PLUGIN_MS_MAX / 1000} s`);
    const [output, code] = ended;
    return code === 0 ? readAnswer(output, plugin, options.fixed, fail) : fail(`ended with code ${code}`);
  } catch (error) {
    return fail(`cannot be started: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such program' : String(error)}`);
  } finally {
    limited.done();
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

/** A command with a slash is relative to its kubeconfig, a bare name is looked up in PATH. */
function commandOf({ command, from }: ExecPlugin): string {
  return command.includes('/') && !isAbsolute(command) ? join(dirname(from), command) : command;
}

function execInfo({ plugin, cluster }: ExecOptions, interactive: boolean): string {
  const info = {
    server: cluster.server,
    ...(cluster.ca !== undefined && { 'certificate-authority-data': Buffer.from(cluster.ca).toString('base64') }),
    ...(cluster.serverName !== undefined && { 'tls-server-name': cluster.serverName }),
    ...(cluster.insecureSkipTlsVerify && { 'insecure-skip-tls-verify': true }),
    ...(cluster.proxyUrl !== undefined && { 'proxy-url': cluster.proxyUrl }),
  };
  return JSON.stringify({
    apiVersion: plugin.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive, ...(plugin.provideClusterInfo && { cluster: info }) },
  });
}

function readAnswer(
  output: string,
  plugin: ExecPlugin,
  fixed: Identity,
  fail: (why: string) => Result<never, CredentialsErrorCode>,
): Answer {
  let raw: unknown;
  try {
    raw = JSON.parse(output);
  } catch {
    return fail('answered something that is not JSON');
  }
  const answer = asObject(raw);
  if (answer?.['apiVersion'] !== plugin.apiVersion)
    return fail(`answered with the apiVersion "${asString(answer?.['apiVersion']) ?? ''}" instead of ${plugin.apiVersion}`);
  const status = asObject(answer['status']);
  const token = asString(status?.['token']);
  const cert = asString(status?.['clientCertificateData']);
  const key = asString(status?.['clientKeyData']);
  if (!token && !(cert && key)) return fail('answered neither a token nor a certificate with its key');
  for (const [kind, pem] of [
    ['certificate', cert],
    ['key', key],
  ] as const) {
    const checked = pem ? checkPem(kind, pem, `the answer of ${plugin.command}`) : undefined;
    if (checked && !checked.ok) return checked;
  }
  const expires = asString(status?.['expirationTimestamp']);
  const expiresAt = expires === undefined ? Number.POSITIVE_INFINITY : wallOf(expires);
  if (Number.isNaN(expiresAt)) return fail(`answered an expirationTimestamp that is no time: "${expires}"`);
  return ok({ identity: { ...fixed, ...(token && { token }), ...(cert && key && { cert, key }) }, expiresAt });
}
