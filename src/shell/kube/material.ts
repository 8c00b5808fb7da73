import { createPrivateKey, X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import type { Material } from '../../core/kubeconfig/kubeconfig.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import type { CredentialsErrorCode } from './credentials.ts';

const FILE_BYTES_MAX = 4 * 1024 * 1024;

type Read<T> = Promise<Result<T, CredentialsErrorCode>>;

/** The text of a file, at most 4 MiB; the error names the file and what to do. */
export async function readTextFile(path: string): Read<string> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > FILE_BYTES_MAX) return err('malformed', `${path} is larger than ${FILE_BYTES_MAX} bytes: is it the right file?`);
      return ok(await file.readFile('utf8'));
    } finally {
      await file.close();
    }
  } catch (error) {
    return err('unreadable', `cannot read ${path}: ${reasonOf(error)}`);
  }
}

/** Reads and checks what a kubeconfig points to; `undefined` for what it does not name. `path` is the file, for what may be read again. */
export async function readMaterial(
  material: Material | undefined,
  kind: 'certificate' | 'key' | 'token',
): Promise<
  | { readonly ok: true; readonly value: string | undefined; readonly path: string }
  | Extract<Result<never, CredentialsErrorCode>, { ok: false }>
> {
  if (!material) return { ok: true, value: undefined, path: '' };
  const path = material.kind === 'file' ? beside(material.from, material.path) : '';
  const text = material.kind === 'file' ? await readTextFile(path) : fromBase64(material.base64, material.field);
  if (!text.ok) return text;
  const checked = kind === 'token' ? text : checkPem(kind, text.value, material.kind === 'file' ? path : material.field);
  return checked.ok ? { ok: true, value: checked.value, path } : checked;
}

/** Parses PEM, so that a garbage file is named here and not by a misleading TLS error later. */
export function checkPem(kind: 'certificate' | 'key', pem: string, where: string): Result<string, CredentialsErrorCode> {
  try {
    if (kind === 'key') createPrivateKey(pem);
    else for (const block of certificates(pem)) new X509Certificate(block);
    return ok(pem);
  } catch {
    return err('malformed', `${where} holds no ${kind === 'key' ? 'private key without a passphrase' : 'certificate'} in PEM form`);
  }
}

/** A relative path is relative to the kubeconfig that names it. */
export function beside(kubeconfig: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(kubeconfig), path);
}

function certificates(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [pem];
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
