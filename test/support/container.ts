import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import { run } from './child.ts';

/** What an image archive says about itself (OCI image configuration). */
export interface ImageConfig {
  readonly architecture: string;
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly env: readonly string[];
  /** `org.opencontainers.image.ref.name`: under which name `ctr images import` stores it. */
  readonly name: string;
}

/** Unpacks an OCI archive into `folder/rootfs`, all layers. */
export async function unpackImage(archive: string, folder: string): Promise<ImageConfig> {
  const layout = join(folder, 'layout');
  const rootfs = join(folder, 'rootfs');
  for (const path of [layout, rootfs]) mkdirSync(path, { recursive: true });
  await run(['tar', '-xf', archive, '-C', layout]);
  const json = (path: string) => asObject(JSON.parse(readFileSync(join(layout, path), 'utf8'))) ?? {};
  const blob = (descriptor: unknown) => `blobs/${(asString(asObject(descriptor)?.['digest']) ?? '').replace(':', '/')}`;
  const index = asObject(asArray(json('index.json')['manifests'])[0]);
  const manifest = json(blob(index));
  for (const layer of asArray(manifest['layers'])) await run(['tar', '-xzf', join(layout, blob(layer)), '-C', rootfs]);
  const config = json(blob(manifest['config']));
  const process_ = asObject(config['config']);
  return {
    architecture: asString(config['architecture']) ?? '',
    user: asString(process_?.['User']) ?? '',
    entrypoint: asArray(process_?.['Entrypoint']).map(String),
    env: asArray(process_?.['Env']).map(String),
    name: asString(asObject(index?.['annotations'])?.['org.opencontainers.image.ref.name']) ?? '',
  };
}

export interface ContainerOptions {
  /** After the image's entrypoint. */
  readonly args: readonly string[];
  readonly env?: readonly string[];
  /** In place of the image's entrypoint. */
  readonly entrypoint?: readonly string[];
  /** What the manifest's securityContext adds, for example `CAP_NET_ADMIN`; absent: none. */
  readonly capabilities?: readonly string[];
  /** On this machine's network, as a Pod with hostNetwork; absent: a network namespace of its own with nothing in it. */
  readonly hostNetwork?: boolean;
  /** Folders that are seen at another path; read-only unless `writable`. */
  readonly mounts?: readonly { readonly source: string; readonly destination: string; readonly writable?: boolean }[];
  /** Paths where a fresh tmpfs lies. */
  readonly tmpfs?: readonly string[];
}

/**
 * Writes `folder/config.json` (OCI runtime configuration) as a kubelet would for a container of the manifest: the image's user, no other
 * capability, no new privileges, read-only root, and of the default seccomp profile what Bun might miss, io_uring.
 */
export function writeBundle(folder: string, image: ImageConfig, options: ContainerOptions): void {
  // An image that names no user runs as root (OCI image configuration, User).
  const [uid, gid] = (image.user || '0:0').split(':').map(Number);
  const sets = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'];
  const config = {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid, gid },
      args: [...(options.entrypoint ?? image.entrypoint), ...options.args],
      env: [...image.env, ...(options.env ?? [])],
      cwd: '/',
      capabilities: Object.fromEntries(sets.map((set) => [set, options.capabilities ?? []])),
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
      ...(options.tmpfs ?? []).map((destination) => ({ destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=1777'] })),
      ...(options.mounts ?? []).map(({ source, destination, writable }) => ({
        ...{ source, destination, type: 'bind' },
        options: ['rbind', writable ? 'rw' : 'ro'],
      })),
    ],
    linux: {
      namespaces: ['pid', 'mount', 'ipc', 'uts', ...(options.hostNetwork ? [] : ['network'])].map((type) => ({ type })),
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['io_uring_setup', 'io_uring_enter', 'io_uring_register'], action: 'SCMP_ACT_ERRNO' }],
      },
    },
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
}

/**
 * The command that runs a bundle in the foreground. crun refuses machines with both versions of cgroups, so it sees, in a mount
 * namespace of its own, version 2 alone; it is told to use none.
 */
export function crunCommand(folder: string, id: string): readonly string[] {
  const run = 'mount -t cgroup2 none /sys/fs/cgroup && exec crun --root "$1/state" --cgroup-manager=disabled run --bundle "$1" "$2"';
  return ['unshare', '--mount', 'sh', '-c', run, 'sh', folder, id];
}
