import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { err, ok, type Result } from '../../core/value/result.ts';

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Callers must show a certificate that one of these signed; empty: none is asked for. */
  readonly clientCaFile: string;
}

export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
}

/** Reads certificates and key, and says which file is wrong; `undefined` when no TLS is asked for. */
export function loadTls(files: TlsFiles): Result<TlsMaterial | undefined, 'bad-tls'> {
  const { certFile, keyFile, clientCaFile } = files;
  if (certFile === '' && keyFile === '' && clientCaFile === '') return ok(undefined);
  if (certFile === '' || keyFile === '') return err('bad-tls', 'TLS needs both -tls-cert and -tls-key');
  const cert = readPem(certFile, (pem) => new X509Certificate(pem));
  if (!cert.ok) return cert;
  const key = readPem(keyFile, (pem) => createPrivateKey(pem));
  if (!key.ok) return key;
  if (!cert.value.parsed.checkPrivateKey(key.value.parsed)) return err('bad-tls', `${keyFile} is not the key of ${certFile}`);
  const ca = clientCaFile === '' ? undefined : readPem(clientCaFile, (pem) => new X509Certificate(pem));
  if (ca && !ca.ok) return ca;
  return ok({ cert: cert.value.pem, key: key.value.pem, clientCa: ca?.value.pem });
}

function readPem<T>(file: string, parse: (pem: string) => T): Result<{ readonly pem: string; readonly parsed: T }, 'bad-tls'> {
  try {
    const pem = readFileSync(file, 'utf8');
    return ok({ pem, parsed: parse(pem) });
  } catch (error) {
    return err('bad-tls', `${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
