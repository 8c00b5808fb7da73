import { randomBytes } from 'node:crypto';
import { type Child, type ChildOptions, run, startChild } from './child.ts';

/** A network namespace made by a test, with its loopback interface up. */
export interface Netns {
  /** Its name for `ip netns`, unique on this machine. */
  readonly name: string;
  /** Where it is mounted, as CNI plugins want it. */
  readonly path: string;
  /** Runs a program in it to its end and returns its stdout; throws with its stderr. */
  readonly run: (command: readonly string[], options?: Parameters<typeof run>[1]) => Promise<string>;
  /** Starts a program in it, as `startChild`. `close` of the network stops it. */
  readonly start: (options: ChildOptions) => Child;
}

/** One end of a veth pair. */
export interface VethEnd {
  readonly ns: Netns;
  /** At most 15 characters. */
  readonly name: string;
  /** With prefix length, for example `192.168.1.30/24` or `fd00:1::30/64`. */
  readonly addresses: readonly string[];
}

/** Namespaces that belong together and go together. */
export interface TestNetwork {
  /** Makes a namespace; `label` only helps a reader of `ip netns`. */
  readonly namespace: (label: string) => Promise<Netns>;
  /** Connects two namespaces; both ends are up and have their addresses. */
  readonly veth: (a: VethEnd, b: VethEnd) => Promise<void>;
  /** Stops what was started in the namespaces and removes them. */
  readonly close: () => Promise<void>;
}

const PREFIX = 'minilb-test';
const left = new Set<string>();
process.on('exit', () => {
  for (const name of left) Bun.spawnSync(['ip', 'netns', 'del', name], { stdio: ['ignore', 'ignore', 'ignore'] });
});

/** A probe for `requires('net', …)`: the reason why no namespace can be made here. */
export function netnsMissing(): string | undefined {
  if (!Bun.which('ip')) return 'no ip (iproute2) on this machine';
  const name = `${PREFIX}-${process.pid}-probe`;
  const made = Bun.spawnSync(['ip', 'netns', 'add', name]);
  if (made.exitCode !== 0) return `ip netns add fails: ${made.stderr.toString().trim()}`;
  Bun.spawnSync(['ip', 'netns', 'del', name]);
  return undefined;
}

/** Begins an empty network. Call `close` in `afterAll`; what a killed test left behind is removed by the next one. */
export async function createTestNetwork(): Promise<TestNetwork> {
  await removeOrphans();
  const id = randomBytes(2).toString('hex');
  const names: string[] = [];
  const children: Child[] = [];

  const namespace = async (label: string): Promise<Netns> => {
    const name = `${PREFIX}-${process.pid}-${id}-${label}`;
    await run(['ip', 'netns', 'add', name]);
    left.add(name);
    names.push(name);
    const inside = (command: readonly string[]) => ['ip', 'netns', 'exec', name, ...command];
    const ns: Netns = {
      name,
      path: `/run/netns/${name}`,
      run: (command, options) => run(inside(command), options),
      start: (options) => {
        const child = startChild({ ...options, command: inside(options.command) });
        children.push(child);
        return child;
      },
    };
    await run(['ip', '-n', name, 'link', 'set', 'lo', 'up']);
    return ns;
  };

  const veth = async (a: VethEnd, b: VethEnd) => {
    await run(['ip', '-n', a.ns.name, 'link', 'add', a.name, 'type', 'veth', 'peer', 'name', b.name, 'netns', b.ns.name]);
    for (const end of [a, b]) {
      for (const address of end.addresses) {
        // Without `nodad` an IPv6 address cannot be bound for its first second.
        const flags = address.includes(':') ? ['nodad'] : [];
        await run(['ip', '-n', end.ns.name, 'address', 'add', address, 'dev', end.name, ...flags]);
      }
      await run(['ip', '-n', end.ns.name, 'link', 'set', end.name, 'up']);
    }
  };

  const close = async () => {
    await Promise.all(children.map((child) => child.stop()));
    for (const name of names) {
      await run(['ip', 'netns', 'del', name]);
      left.delete(name);
    }
  };
  return { namespace, veth, close };
}

/** Namespaces of test processes that no longer live. */
async function removeOrphans(): Promise<void> {
  for (const line of (await run(['ip', 'netns', 'list'])).split('\n')) {
    const [, name, pid] = new RegExp(`^(${PREFIX}-(\\d+)-\\S+)`).exec(line) ?? [];
    if (name && !isAlive(Number(pid))) await run(['ip', 'netns', 'del', name]);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
