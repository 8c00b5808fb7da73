// npm run release: everything that a release holds, into dist/release. npm run release -- version X writes a version into every file that holds one.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from '../src/shell/system/clock.ts';
import { toStableSbom } from './lib/sbom.ts';
import { Failure, runIn } from './lib/shell.ts';
import { bumpVersion, notesOf, VERSIONED } from './lib/version-bump.ts';

const ROOT = resolve(`${import.meta.dirname}/..`);
/** Name in the release → target of `bun build --compile`. macOS is built and not run by our tests. */
const BINARIES: Readonly<Record<string, string>> = {
  'linux-x64': 'bun-linux-x64',
  'linux-x64-baseline': 'bun-linux-x64-baseline',
  'linux-x64-musl': 'bun-linux-x64-musl',
  'linux-arm64': 'bun-linux-arm64',
  'linux-arm64-musl': 'bun-linux-arm64-musl',
  'macos-x64': 'bun-darwin-x64',
  'macos-arm64': 'bun-darwin-arm64',
};
/** Processors without AVX2 are common in small boxes, and the image is one for all. */
const IMAGES: Readonly<Record<string, string>> = { 'image-amd64': 'bun-linux-x64-baseline', 'image-arm64': 'bun-linux-arm64' };
const PARTS = [...Object.keys(BINARIES), ...Object.keys(IMAGES), 'chart', 'npm', 'sbom'];

const USAGE = `usage: npm run release [-- [--only=PART,…] [--outdir=DIR] [--twice]]   PART: ${PARTS.join(', ')}
       npm run release -- version X.Y.Z     writes the version, and a heading into CHANGELOG.md
       npm run release -- notes X.Y.Z       prints what CHANGELOG.md says of it
  --twice   builds all again elsewhere and fails unless every byte is the same`;

const run = (...command: readonly string[]) => runIn(ROOT, command);
const bun = (...args: readonly string[]) => run(process.execPath, ...args);
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const versionNow = () => (JSON.parse(read('package.json')) as { readonly version: string }).version;

/** A .tar of a folder's entries that depends on their bytes and modes alone. */
async function pack(folder: string, archive: string, entries: readonly string[]): Promise<void> {
  const stable = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=ustar', '--mode=u=rwX,go=rX'];
  await run('tar', ...stable, '-cf', archive, '-C', folder, ...entries);
}

/** The same as .tar.gz. */
async function packCompressed(folder: string, archive: string, entries: readonly string[]): Promise<void> {
  const tar = archive.replace(/\.gz$|\.tgz$/, '');
  await pack(folder, tar, entries);
  await run('gzip', '-n', '-9', '-f', '-S', '.packed', tar);
  renameSync(`${tar}.packed`, archive);
}

/** Makes one part of a release in `outdir`; `work` is for what is thrown away. */
async function make(part: string, version: string, outdir: string, work: string): Promise<void> {
  const binary = BINARIES[part];
  const image = IMAGES[part];
  const target = (name: string) => join(outdir, name);
  if (binary) {
    const folder = join(work, part);
    await bun('scripts/build.ts', `--target=${binary}`, `--outdir=${folder}`);
    cpSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
    await packCompressed(folder, target(`minilb-${version}-${part}.tar.gz`), ['minilb', 'LICENSE']);
  } else if (image) {
    await bun('scripts/image.ts', `--target=${image}`);
    // The same image, but the archive around it bears times.
    const layout = join(work, part);
    mkdirSync(layout);
    await run('tar', '-xf', 'dist/minilb.oci.tar', '-C', layout);
    await pack(layout, target(`minilb-${version}-${part}.oci.tar`), readdirSync(layout).sort());
  } else if (part === 'chart') {
    await packCompressed(join(ROOT, 'deploy/helm'), target(`minilb-chart-${version}.tgz`), ['minilb']);
  } else if (part === 'npm') {
    await run('npm', 'pack', '--silent', '--ignore-scripts', `--pack-destination=${work}`);
    renameSync(join(work, `minilb-${version}.tgz`), target(`minilb-npm-${version}.tgz`));
  } else {
    const text = await run('npm', 'sbom', '--package-lock-only', '--omit=dev', '--sbom-format=cyclonedx', '--sbom-type=application');
    writeFileSync(target(`minilb-${version}.cdx.json`), `${JSON.stringify(toStableSbom(JSON.parse(text), version), null, 2)}\n`);
  }
}

/** `sha256sum -c` reads what this returns. */
function checksums(folder: string): string {
  const files = readdirSync(folder).filter((name) => name !== 'SHA256SUMS');
  const lines = files.sort().map(
    (name) =>
      `${createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex')}  ${name}`,
  );
  return `${lines.join('\n')}\n`;
}

async function build(parts: readonly string[], outdir: string): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), 'minilb-release-'));
  try {
    rmSync(outdir, { recursive: true, force: true });
    mkdirSync(outdir, { recursive: true });
    for (const part of parts) {
      console.error(`release: ${part}`);
      await make(part, versionNow(), outdir, work);
    }
    const sums = checksums(outdir);
    writeFileSync(join(outdir, 'SHA256SUMS'), sums);
    return sums;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function buildTwice(parts: readonly string[], outdir: string): Promise<void> {
  const first = await build(parts, outdir);
  const elsewhere = mkdtempSync(join(tmpdir(), 'minilb-release-again-'));
  try {
    const second = new Set((await build(parts, elsewhere)).split('\n'));
    const differing = first.split('\n').filter((line) => !second.has(line));
    if (differing.length > 0) throw new Failure(`not the same bytes when built again:\n${differing.join('\n')}`);
    console.error('release: built again, every byte is the same');
  } finally {
    rmSync(elsewhere, { recursive: true, force: true });
  }
}

async function writeVersion(next: string): Promise<void> {
  const files = Object.fromEntries(VERSIONED.map((path) => [path, read(path)]));
  const date = new Intl.DateTimeFormat('sv-SE', { timeZone: 'UTC' }).format(systemClock.wall());
  const bumped = bumpVersion(files, versionNow(), next, date);
  if (!bumped.ok) throw new Failure(bumped.detail);
  for (const [path, text] of Object.entries(bumped.value)) writeFileSync(join(ROOT, path), text);
  // What comes from declarations names the image by its version.
  await bun('scripts/docs.ts');
  console.log(`${next} stands in ${VERSIONED.join(', ')}. Look at it (git diff), commit it, and tag it v${next}.`);
}

function usage(): never {
  console.error(USAGE);
  process.exit(2);
}

async function main(words: readonly string[]): Promise<void> {
  const [command, version, ...more] = words;
  if (command === 'version' || command === 'notes') {
    if (version === undefined || more.length > 0) usage();
    if (command === 'version') return writeVersion(version);
    const notes = notesOf(read('CHANGELOG.md'), version);
    if (notes === undefined) throw new Failure(`CHANGELOG.md says nothing of ${version}`);
    return console.log(notes);
  }
  const optionOf = (flag: string) => words.find((word) => word.startsWith(`--${flag}=`))?.slice(flag.length + 3);
  const parts = optionOf('only')?.split(',') ?? PARTS;
  if (words.some((word) => !/^--(only=.|outdir=.|twice$)/.test(word)) || parts.some((part) => !PARTS.includes(part))) usage();
  const outdir = resolve(optionOf('outdir') ?? join(ROOT, 'dist/release'));
  await (words.includes('--twice') ? buildTwice(parts, outdir) : build(parts, outdir));
  console.log(`${outdir}: ${readdirSync(outdir).join(', ')}`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`release: ${error.message}`);
  process.exit(1);
}
