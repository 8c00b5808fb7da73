import { err, ok, type Result } from '../../core/value/result.ts';
import { type Clock, withTimeout } from '../system/clock.ts';

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

export interface PortForwardOptions {
  /** The file that `-kubeconfig` names; empty: kubectl finds the same one as minilb. */
  readonly kubeconfig: string;
  /** Where kubectl is looked for, and what it sees. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

export type PortForwardErrorCode = 'no-kubectl' | 'not-forwarded' | 'no-answer';

/** Until the port is there; an exec plugin may have to ask somebody first. */
const FORWARD_MS_MAX = 15_000;
const ANSWER_MS_MAX = 10_000;
const ANSWER_BYTES_MAX = 1024 * 1024;
/** Of what kubectl says about itself. */
const OUTPUT_BYTES_MAX = 64 * 1024;

/**
 * Gets a path of a Pod's HTTP server as JSON through `kubectl port-forward`, which reaches the Pod's loopback, as the API server's pod proxy does
 * not. The forwarding ends with the call.
 */
export async function getThroughKubectl(
  target: PodPort,
  path: string,
  options: PortForwardOptions,
  signal: AbortSignal,
): Promise<Result<unknown, PortForwardErrorCode>> {
  const program = Bun.which('kubectl', { PATH: options.env['PATH'] ?? '' });
  if (!program) return err('no-kubectl', 'there is no kubectl in PATH');
  const file = options.kubeconfig === '' ? [] : [`--kubeconfig=${options.kubeconfig}`];
  const where = ['--address=127.0.0.1', `--namespace=${target.namespace}`, `pod/${target.pod}`, `:${target.port}`];
  const child = Bun.spawn([program, ...file, 'port-forward', ...where], {
    env: { ...options.env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const limit = withTimeout(options.clock, FORWARD_MS_MAX, signal);
  const complaint = readUntil(child.stderr, () => undefined);
  try {
    const port = await Promise.race([readUntil(child.stdout, forwardedPort), limit.late]);
    if (typeof port !== 'number') {
      child.kill('SIGKILL');
      return err('not-forwarded', `kubectl port-forward failed: ${lastLine(String((await complaint) ?? '')) || 'it did not become ready'}`);
    }
    return await getJson(`http://127.0.0.1:${port}${path}`, options.clock, signal);
  } finally {
    limit.done();
    child.kill('SIGKILL');
    await child.exited;
  }
}

/** `Forwarding from 127.0.0.1:40123 -> 7710` */
function forwardedPort(output: string): number | undefined {
  const found = /^Forwarding from 127\.0\.0\.1:(\d+) -> /m.exec(output)?.[1];
  return found === undefined ? undefined : Number(found);
}

/**
 * What `find` finds in the output, or else all of it. The rest is read too: kubectl writes a line for each connection, and ends when nobody
 * takes it.
 */
function readUntil<T>(stream: ReadableStream<Uint8Array>, find: (text: string) => T | undefined): Promise<T | string> {
  return new Promise((resolve) => {
    const read = async () => {
      const decoder = new TextDecoder();
      let text = '';
      for await (const chunk of stream) {
        if (text.length >= OUTPUT_BYTES_MAX) continue;
        text += decoder.decode(chunk, { stream: true });
        const found = find(text);
        if (found !== undefined) resolve(found);
      }
      resolve(text);
    };
    // A pipe that breaks is the end of the output.
    read().catch(() => resolve(''));
  });
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
}

async function getJson(url: string, clock: Clock, signal: AbortSignal): Promise<Result<unknown, 'no-answer'>> {
  const limit = withTimeout(clock, ANSWER_MS_MAX, signal);
  try {
    const response = await fetch(url, { signal: limit.signal, redirect: 'error' });
    const body = await response.text();
    if (!response.ok) return err('no-answer', `its page answered ${response.status}`);
    return body.length > ANSWER_BYTES_MAX ? err('no-answer', 'its page answered too much') : ok(JSON.parse(body) as unknown);
  } catch (error) {
    return err('no-answer', `its page did not answer: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    limit.done();
  }
}
