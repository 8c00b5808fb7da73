// npm run image [-- --of=updater|l3] [--target=bun-linux-arm64] [--engine=docker|podman|buildah]: builds the binary and from it
// dist/minilb.oci.tar (dist/minilb-updater.oci.tar, …), an image archive that docker, podman and containerd (`ctr images import`) load.
// Without an engine given, the first that works here is taken.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure, runIn } from './lib/shell.ts';

const ROOT = `${import.meta.dirname}/..`;
const VERSION = (JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8')) as { readonly version: string }).version;

interface Image {
  readonly dockerfile: string;
  /** A name that no registry has: it is never pulled, so it cannot come from a stranger. */
  readonly name: string;
  readonly archive: string;
  /** How mmdebstrap makes the Debian that the Dockerfile begins with. */
  readonly base: readonly string[];
}

/** The others install Debian's packages while they are built, so they are built where they run: on the same architecture, with a network. */
const IMAGES: ReadonlyMap<string, Image> = new Map([
  ['minilb', imageOf('minilb', 'deploy/Dockerfile', ['--variant=extract', '--include=libc6'])],
  ['updater', imageOf('minilb-updater', 'deploy/updater/Dockerfile', ['--variant=minbase'])],
  ['l3', imageOf('minilb-l3', 'deploy/l3/Dockerfile', ['--variant=minbase'])],
]);

function imageOf(name: string, dockerfile: string, base: readonly string[]): Image {
  return { dockerfile, name: `localhost/${name}:${VERSION}`, archive: `dist/${name}.oci.tar`, base };
}

/** Time stamps in the image, so that the same input gives the same image digest. */
const EPOCH = '0';
const ENGINES = ['docker', 'podman', 'buildah'] as const;
type Engine = (typeof ENGINES)[number];

const USAGE = `usage: npm run image -- [--of=${[...IMAGES.keys()].join('|')}] [--target=bun-linux-x64|bun-linux-x64-baseline|bun-linux-arm64] [--engine=${ENGINES.join('|')}]`;

const run = (command: readonly string[], env: Readonly<Record<string, string>> = {}) => runIn(ROOT, command, env);

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

const BUILD: Readonly<Record<Engine, (image: Image, arch: string) => Promise<void>>> = {
  docker: async ({ dockerfile, name, archive }, arch) => {
    const build = ['docker', 'build', '--platform', `linux/${arch}`, '--provenance=false', '-t', name, '-f', dockerfile, '.'];
    await run(build, { SOURCE_DATE_EPOCH: EPOCH });
    await run(['docker', 'save', '-o', archive, name]);
  },
  podman: async ({ dockerfile, name, archive }, arch) => {
    await run(['podman', 'build', '--platform', `linux/${arch}`, '--timestamp', EPOCH, '-t', name, '-f', dockerfile, '.']);
    await run(['podman', 'save', '--format', 'oci-archive', '-o', archive, name]);
  },
  buildah: async (image, arch) => {
    const { dockerfile, name, archive } = image;
    const folder = mkdtempSync(join(tmpdir(), 'minilb-image-'));
    const buildah = ['buildah', '--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
    try {
      await makeBase(image, buildah, folder, arch);
      const build = ['bud', '--isolation', 'chroot', '--pull-never', '--arch', arch, '--timestamp', EPOCH, '-t', name, '-f', dockerfile];
      await run([...buildah, ...build, '.']);
      await run([...buildah, 'push', '--quiet', name, `oci-archive:${archive}:${name}`]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Makes the image that the Dockerfile begins with from Debian's own packages. */
async function makeBase({ dockerfile, base }: Image, buildah: readonly string[], folder: string, arch: string): Promise<void> {
  const [, suite] = /^FROM debian:(\w+)-slim\b/m.exec(readFileSync(`${ROOT}/${dockerfile}`, 'utf8')) ?? [];
  if (!suite) throw new Failure(`${dockerfile} does not begin with a Debian release`);
  const tar = join(folder, 'base.tar');
  const merged = '--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr';
  await run(['mmdebstrap', '--quiet', ...base, `--architectures=${arch}`, merged, suite, tar]);
  const container = await run([...buildah, 'from', '--arch', arch, 'scratch']);
  await run([...buildah, 'add', '--quiet', container, tar, '/']);
  await run([...buildah, 'config', '--arch', arch, container]);
  await run([...buildah, 'commit', '--quiet', container, `docker.io/library/debian:${suite}-slim`]);
}

async function main(words: readonly string[]): Promise<void> {
  const optionOf = (flag: string) => words.find((word) => word.startsWith(`--${flag}=`))?.slice(flag.length + 3);
  const unknown = words.filter((word) => !/^--(of|target|engine)=/.test(word));
  const target = optionOf('target') ?? (process.platform === 'linux' ? undefined : `bun-linux-${process.arch}`);
  const asked = optionOf('engine');
  const engine = ENGINES.find((name) => name === asked);
  const image = IMAGES.get(optionOf('of') ?? 'minilb');
  if (!image || unknown.length > 0 || (asked && !engine) || target?.includes('musl')) {
    console.error(USAGE);
    process.exit(2);
  }
  const chosen = engine ?? (await firstWorking());
  await run([process.execPath, 'scripts/build.ts', '--outdir=dist/image', ...(target ? [`--target=${target}`] : [])]);
  rmSync(`${ROOT}/${image.archive}`, { force: true });
  await BUILD[chosen](image, archOf(target ?? process.arch));
  console.log(`${image.archive}: ${image.name}, built with ${chosen}`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`image: ${error.message}`);
  process.exit(1);
}
