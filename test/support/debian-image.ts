import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { assetsFolder } from '../../scripts/assets/assets.ts';
import { run } from './child.ts';

/** The base that Dockerfiles below deploy/ begin with. */
const BASE = 'docker.io/library/debian:bookworm-slim';
/** Kept between runs; Debian's point releases change nothing that the tests look at. */
const BASE_TAR = 'debian-bookworm.tar';

export interface ImageBuilder {
  /** Builds a Dockerfile that begins with `debian:bookworm-slim`, and returns the path of an OCI archive. */
  readonly build: (dockerfile: string, context: string, tag: string) => Promise<string>;
}

/** Builds without a container engine, below `folder`. RUN lines use this machine's network: apt-get installs from Debian. */
export async function createImageBuilder(folder: string): Promise<ImageBuilder> {
  const buildah = ['buildah', '--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
  const container = (await run([...buildah, 'from', 'scratch'])).trim();
  await run([...buildah, 'add', '--quiet', container, await baseTar(), '/']);
  await run([...buildah, 'commit', '--quiet', '--rm', container, BASE]);
  return {
    build: async (dockerfile, context, tag) => {
      await run([...buildah, 'bud', '--isolation', 'chroot', '--pull-never', '-t', tag, '-f', dockerfile, context]);
      const archive = join(folder, `${tag.replaceAll(/[^a-z0-9.-]/g, '_')}.oci.tar`);
      await run([...buildah, 'push', '--quiet', tag, `oci-archive:${archive}:${tag}`]);
      return archive;
    },
  };
}

async function baseTar(): Promise<string> {
  const path = join(assetsFolder(), BASE_TAR);
  if (existsSync(path)) return path;
  mkdirSync(assetsFolder(), { recursive: true });
  const making = `${path}.${process.pid}.tar`;
  await run(['mmdebstrap', '--quiet', '--variant=minbase', 'bookworm', making]);
  renameSync(making, path);
  return path;
}
