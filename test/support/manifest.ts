import { parseAllDocuments } from 'yaml';
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';

const ROOT = `${import.meta.dirname}/../..`;

export interface Rendered {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `deploy/render.sh` with these arguments, by another shell than `sh` if one is given. */
export async function renderManifest(args: readonly string[], shell: readonly string[] = ['sh']): Promise<Rendered> {
  const child = Bun.spawn([...shell, `${ROOT}/deploy/render.sh`, ...args], { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { exitCode, stdout, stderr };
}

/** An object of a manifest, as parsed. */
export type ManifestObject = Readonly<Record<string, unknown>>;

/** The objects of a YAML stream; a document that does not parse, a repeated key and an empty document throw. */
export function manifestObjects(yaml: string): readonly ManifestObject[] {
  return parseAllDocuments(yaml).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    const object = asObject(document.toJS());
    if (!object) throw new Error(`not an object: ${String(document)}`);
    return object;
  });
}

export function nameOf(object: ManifestObject): string {
  const meta = asObject(object['metadata']);
  return `${asString(object['kind'])} ${asString(meta?.['name'])}`;
}

/** `spec.template.spec` of a Deployment. */
export function podSpecOf(deployment: ManifestObject): ManifestObject {
  const template = asObject(asObject(deployment['spec'])?.['template']);
  return asObject(template?.['spec']) ?? {};
}

/** The one container of a Deployment's Pods. */
export function containerOf(deployment: ManifestObject): ManifestObject {
  return asObject(asArray(podSpecOf(deployment)['containers'])[0]) ?? {};
}
