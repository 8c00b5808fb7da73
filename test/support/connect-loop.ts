import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { systemClock } from '../../src/shell/system/clock.ts';

// A program for the client's namespace: opens a new HTTP connection every 10 ms until SIGTERM, then prints what became of them as JSON. An
// answer later than 900 ms counts as lost: the kernel sends a lost SYN again after a second. With a name server as third argument each attempt asks
// it for the host first, and takes the first address.
const [host = '', port = '80', nameServer] = process.argv.slice(2);
const EVERY_MS = 10;
const ANSWER_MS_MAX = 900;
const failures: { readonly atMs: number; readonly why: string }[] = [];
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
let attempts = 0;
let stallMsMax = 0;

const resolver = new Resolver({ timeout: ANSWER_MS_MAX, tries: 1 });
if (nameServer !== undefined) resolver.setServers([nameServer]);

async function attempt(): Promise<void> {
  const atMs = Math.round(systemClock.wall());
  attempts++;
  const address =
    nameServer === undefined
      ? host
      : await resolver.resolve4(host).then(
          ([first]) => first,
          () => undefined,
        );
  if (address === undefined) failures.push({ atMs, why: 'no name' });
  else await connectTo(address, atMs);
}

function connectTo(address: string, atMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = new AbortController();
    const socket = connect(Number(port), address);
    const end = (why?: string) => {
      if (done.signal.aborted) return;
      done.abort();
      socket.destroy();
      if (why !== undefined) failures.push({ atMs, why });
      resolve();
    };
    socket.on('connect', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'));
    socket.on('data', () => end());
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => end('closed without an answer'));
    void systemClock.after(ANSWER_MS_MAX, done.signal).then(() => end('no answer'));
  });
}

const open = new Set<Promise<void>>();
while (!stop.signal.aborted) {
  const one = attempt().finally(() => open.delete(one));
  open.add(one);
  const before = systemClock.now();
  await systemClock.after(EVERY_MS, stop.signal);
  stallMsMax = Math.max(stallMsMax, systemClock.now() - before - EVERY_MS);
}
await Promise.all(open);
console.log(JSON.stringify({ attempts, failures, stallMsMax: Math.round(stallMsMax) }));
process.exit(0);
