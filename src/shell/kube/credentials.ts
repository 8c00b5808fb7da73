import type { Result } from '../../core/value/result.ts';

/** What proves who we are, for one request. */
export interface Identity {
  readonly token?: string;
  /** PEM; both or none. */
  readonly cert?: string;
  readonly key?: string;
}

/** Where the API server is and how to be somebody there. */
export interface Credentials {
  /** Without a slash at the end. */
  readonly server: string;
  /** The kubeconfig context, or `in-cluster`. */
  readonly context: string;
  readonly namespace: string;
  /** PEM; absent: the system's authorities. */
  readonly ca?: string;
  readonly serverName?: string;
  readonly insecureSkipTlsVerify: boolean;
  readonly proxyUrl?: string;
  /**
   * The identity for the next request: files and plugins are asked again when what they gave is old. `renew` asks them in any case, because the
   * server refused (401).
   */
  readonly identify: (renew: boolean, signal: AbortSignal) => Promise<Result<Identity, CredentialsErrorCode>>;
}

export type CredentialsErrorCode =
  | 'no-cluster' // neither in a cluster nor a kubeconfig
  | 'unreadable' // a file that is missing or may not be read
  | 'malformed' // a file or field that is not what it should be
  | 'unsupported' // something in a kubeconfig that minilb does not know
  | 'plugin-failed'; // an exec plugin that gave no credential
