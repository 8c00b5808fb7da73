import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Material } from '../../core/kubeconfig/kubeconfig.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import type { CredentialsErrorCode } from './credentials.ts';

const FILE_BYTES_MAX = 4 * 1024 * 1024;

/** The text of a file, at most 4 MiB; the error names the file and what to do. */
export function readTextFile(path: string): Result<string, CredentialsErrorCode> {
  try {
    if (statSync(path).size > FILE_BYTES_MAX)
      return err('malformed', `${path} is larger than ${FILE_BYTES_MAX} bytes: is it the right file?`);
    return ok(readFileSync(path, 'utf8'));
  } catch (error) {
    return err('unreadable', `cannot read ${path}: ${reasonOf(error)}`);
  }
}

type MaterialResult =
  | { readonly ok: true; readonly value: string | undefined; readonly path: string }
  | Extract<Result<never, CredentialsErrorCode>, { ok: false }>;

/** Reads and checks what a kubeconfig points to; `undefined` for what it does not name. `path` is the file, for what may be read again. */
export function readMaterial(material: Material | undefined, kind: 'certificate' | 'key' | 'token'): MaterialResult {
  if (!material) return { ok: true, value: undefined, path: '' };
  const path = material.kind === 'file' ? beside(material.from, material.path) : '';
  const text = material.kind === 'file' ? readTextFile(path) : fromBase64(material.base64, material.field);
  if (!text.ok) return text;
  const checked = kind === 'token' ? text : checkPem(kind, text.value, material.kind === 'file' ? path : material.field);
  return checked.ok ? { ok: true, value: checked.value, path } : checked;
}

/**
 * Checks that a text holds what TLS needs, so that a garbage file is named here and not by a misleading error later: every PEM block (RFC 7468)
 * must hold one whole DER SEQUENCE. `node:crypto` would look deeper, but importing it costs 7 MB for the life of the process.
 */
export function checkPem(kind: 'certificate' | 'key', pem: string, where: string): Result<string, CredentialsErrorCode> {
  const label = kind === 'key' ? '(?:RSA |EC )?PRIVATE KEY' : 'CERTIFICATE';
  const blocks = [...pem.matchAll(new RegExp(`-----BEGIN ${label}-----([\\s\\S]*?)-----END ${label}-----`, 'g'))];
  if (blocks.length > 0 && blocks.every((block) => isDerSequence(Buffer.from(block[1] ?? '', 'base64')))) return ok(pem);
  return err('malformed', `${where} holds no ${kind === 'key' ? 'private key without a passphrase' : 'certificate'} in PEM form`);
}

/** A SEQUENCE whose length is that of the bytes (X.690 §8.1.3). */
function isDerSequence(der: Uint8Array): boolean {
  const first = der[1] ?? 0;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (der[0] !== 0x30 || lengthBytes > 3) return false;
  let length = lengthBytes === 0 ? first : 0;
  for (let i = 0; i < lengthBytes; i++) length = length * 256 + (der[2 + i] ?? 0);
  return der.length === 2 + lengthBytes + length;
}

/** A relative path is relative to the kubeconfig that names it. */
export function beside(kubeconfig: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(kubeconfig), path);
}

function fromBase64(base64: string, field: string): Result<string, CredentialsErrorCode> {
  const compact = base64.replace(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return err('malformed', `${field} is not base64`);
  return ok(Buffer.from(compact, 'base64').toString('utf8'));
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  return error instanceof Error ? error.message : String(error);
}
