// npm run image [-- --target=bun-linux-arm64] [--engine=docker|podman|buildah]: builds the binary and from it dist/minilb.oci.tar, an image
// archive that docker, podman and containerd (`ctr images import`) load. Without an engine given, the first that works here is taken.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = `${import.meta.dirname}/..`;
const DOCKERFILE = 'deploy/Dockerfile';
const ARCHIVE = 'dist/minilb.oci.tar';
/** A name that no registry has: it is never pulled, so it cannot come from a stranger. */
const IMAGE = `localhost/minilb:${(JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8')) as { readonly version: string }).version}`;
/** Time stamps in the image, so that the same input gives the same image digest. */
const EPOCH = '0';
const ENGINES = ['docker', 'podman', 'buildah'] as const;
type Engine = (typeof ENGINES)[number];

const USAGE = `usage: npm run image -- [--target=bun-linux-x64|bun-linux-x64-baseline|bun-linux-arm64] [--engine=${ENGINES.join('|')}]`;

class Failure extends Error {}

async function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const child = Bun.spawn([...command], { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Failure(`${command.join(' ')} ended with ${child.exitCode}`);
  return output.trim();
}

/** Docker's command is often there without its daemon. */
async function works(engine: Engine): Promise<boolean> {
  if (engine === 'buildah') return Bun.which('buildah') !== null && Bun.which('mmdebstrap') !== null;
  if (!Bun.which(engine)) return false;
  const child = Bun.spawn([engine, 'info'], { stdio: ['ignore', 'ignore', 'ignore'], timeout: 20_000 });
  return (await child.exited) === 0;
}

async function firstWorking(): Promise<Engine> {
  for (const engine of ENGINES) if (await works(engine)) return engine;
  throw new Failure('no container engine works here: install docker or podman, or on Debian `apt install buildah mmdebstrap`');
}

const archOf = (target: string) => (target.includes('arm64') ? 'arm64' : 'amd64');

const BUILD: Readonly<Record<Engine, (arch: string) => Promise<void>>> = {
  docker: async (arch) => {
    const build = ['docker', 'build', '--platform', `linux/${arch}`, '--provenance=false', '-t', IMAGE, '-f', DOCKERFILE, '.'];
    await run(build, { SOURCE_DATE_EPOCH: EPOCH });
    await run(['docker', 'save', '-o', ARCHIVE, IMAGE]);
  },
  podman: async (arch) => {
    await run(['podman', 'build', '--platform', `linux/${arch}`, '--timestamp', EPOCH, '-t', IMAGE, '-f', DOCKERFILE, '.']);
    await run(['podman', 'save', '--format', 'oci-archive', '-o', ARCHIVE, IMAGE]);
  },
  buildah: async (arch) => {
    const folder = mkdtempSync(join(tmpdir(), 'minilb-image-'));
    const buildah = ['buildah', '--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
    try {
      await makeBase(buildah, folder, arch);
      const build = ['bud', '--isolation', 'chroot', '--pull-never', '--arch', arch, '--timestamp', EPOCH, '-t', IMAGE, '-f', DOCKERFILE];
      await run([...buildah, ...build, '.']);
      await run([...buildah, 'push', '--quiet', IMAGE, `oci-archive:${ARCHIVE}:${IMAGE}`]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Makes the image that the Dockerfile begins with from Debian's own packages: the C library is all that is copied out of it. */
async function makeBase(buildah: readonly string[], folder: string, arch: string): Promise<void> {
  const [, suite] = /^FROM debian:(\w+)-slim AS debian$/m.exec(readFileSync(`${ROOT}/${DOCKERFILE}`, 'utf8')) ?? [];
  if (!suite) throw new Failure(`${DOCKERFILE} does not begin with a Debian release`);
  const tar = join(folder, 'base.tar');
  const merged = '--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr';
  await run(['mmdebstrap', '--quiet', '--variant=extract', `--architectures=${arch}`, '--include=libc6', merged, suite, tar]);
  const container = await run([...buildah, 'from', '--arch', arch, 'scratch']);
  await run([...buildah, 'add', '--quiet', container, tar, '/']);
  await run([...buildah, 'config', '--arch', arch, container]);
  await run([...buildah, 'commit', '--quiet', container, `docker.io/library/debian:${suite}-slim`]);
}

async function main(words: readonly string[]): Promise<void> {
  const optionOf = (flag: string) => words.find((word) => word.startsWith(`--${flag}=`))?.slice(flag.length + 3);
  const unknown = words.filter((word) => !/^--(target|engine)=/.test(word));
  const target = optionOf('target') ?? (process.platform === 'linux' ? undefined : `bun-linux-${process.arch}`);
  const asked = optionOf('engine');
  const engine = ENGINES.find((name) => name === asked);
  if (unknown.length > 0 || (asked && !engine) || target?.includes('musl')) {
    console.error(USAGE);
    process.exit(2);
  }
  const chosen = engine ?? (await firstWorking());
  await run([process.execPath, 'scripts/build.ts', '--outdir=dist/image', ...(target ? [`--target=${target}`] : [])]);
  rmSync(`${ROOT}/${ARCHIVE}`, { force: true });
  await BUILD[chosen](archOf(target ?? process.arch));
  console.log(`${ARCHIVE}: ${IMAGE}, built with ${chosen}`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`image: ${error.message}`);
  process.exit(1);
}
