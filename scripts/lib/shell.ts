/** What a script says and ends with when something outside it fails. */
export class Failure extends Error {}

/** Runs a program to its end and returns its stdout, trimmed; its stderr goes to the terminal. */
export async function runIn(cwd: string, command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const child = Bun.spawn([...command], { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Failure(`${command.join(' ')} ended with ${child.exitCode}`);
  return output.trim();
}
