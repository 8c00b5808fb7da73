import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A program that the system tests run and no Debian package has; built from the Go module proxy. */
export interface Asset {
  readonly name: string;
  /** Folder beside this file whose go.mod and go.sum pin what is built. */
  readonly module: string;
  readonly package: string;
  /** Only benchmarks want it: built when asked for by name. */
  readonly benchOnly?: true;
}

export const ASSETS: readonly Asset[] = [
  { name: 'etcd', module: 'etcd', package: 'go.etcd.io/etcd/server/v3' },
  { name: 'kube-apiserver', module: 'kube', package: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  { name: 'kube-controller-manager', module: 'kube', package: 'k8s.io/kubernetes/cmd/kube-controller-manager' },
  { name: 'kubectl', module: 'kube', package: 'k8s.io/kubernetes/cmd/kubectl' },
  { name: 'kube-proxy', module: 'kube', package: 'k8s.io/kubernetes/cmd/kube-proxy' },
  { name: 'helm', module: 'helm', package: 'helm.sh/helm/v3/cmd/helm' },
  { name: 'port-forward-kubelet', module: 'kubelet', package: '.' },
  { name: 'coredns', module: 'coredns', package: 'github.com/coredns/coredns', benchOnly: true },
];

/** Raise it whenever a go.mod here changes: the cache folder's name carries it. */
const ASSETS_VERSION = 'v1';

/** Where built programs are kept: `$XDG_CACHE_HOME/minilb/assets-v1`, or the same below `~/.cache`. */
export function assetsFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'minilb', `assets-${ASSETS_VERSION}`);
}

/** The program's path in `KUBEBUILDER_ASSETS`, else in the cache folder; `undefined` when it is in neither. */
export function findAsset(name: string): string | undefined {
  const given = process.env['KUBEBUILDER_ASSETS'];
  return [...(given ? [given] : []), assetsFolder()].map((folder) => join(folder, name)).find((path) => existsSync(path));
}
