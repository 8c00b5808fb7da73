import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Credentials, Identity } from './credentials.ts';

/**
 * Why TLS could not even begin: which of the certificates and keys OpenSSL cannot read, or which do not belong together. `undefined` when
 * nothing is wrong with them. A file of its own, loaded after a failure only: `node:crypto` costs 7 MB for the life of the process.
 */
export function diagnoseTls({ context, ca }: Credentials, { cert, key }: Identity): string | undefined {
  const of = `of ${context}`;
  if (ca !== undefined && !certificates(ca)) return `the certificate authority ${of} cannot be read as a certificate`;
  if (cert === undefined || key === undefined) return undefined;
  const [own] = certificates(cert) ?? [];
  if (!own) return `the client certificate ${of} cannot be read as a certificate`;
  const secret = privateKey(key);
  if (!secret) return `the client key ${of} cannot be read as a private key`;
  return own.checkPrivateKey(secret) ? undefined : `the client certificate and the client key ${of} do not belong together`;
}

/** All certificates of a PEM text; `undefined` when there is none or one cannot be read. */
function certificates(pem: string): readonly X509Certificate[] | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g);
  try {
    return blocks?.map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

function privateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
