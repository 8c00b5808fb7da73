import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import type { ApiServer } from './api.ts';
import { goModuleFolder, goModuleMissing } from './go-module.ts';
import { must } from './objects.ts';
import { waitFor } from './wait.ts';

/** The release that is current, and older ones whose kinds are served in other versions (TLSRoute v1alpha2 and v1alpha3, XListenerSet). */
export type GatewayRelease = 'v1.6.1' | 'v1.5.0' | 'v1.4.1' | 'v1.3.0';
export type GatewayChannel = 'standard' | 'experimental';

const PLURALS = ['gatewayclasses', 'gateways', 'httproutes', 'grpcroutes', 'tlsroutes', 'listenersets', 'xlistenersets'];
/** The API server clears a kind's storage before it lets go of its definition. */
const REMOVED_MS_MAX = 120_000;
export const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** Why the CRDs cannot be had here; a probe for `requires('cluster', …)`. */
export function gatewayCrdsMissing(): string | undefined {
  return goModuleMissing('sigs.k8s.io/gateway-api@v1.6.1');
}

/** The CustomResourceDefinitions of a release as objects. They come with the Go module, from the module cache or the proxy. */
export async function gatewayCrds(release: GatewayRelease, channel: GatewayChannel): Promise<readonly Record<string, unknown>[]> {
  const folder = join(await goModuleFolder(`sigs.k8s.io/gateway-api@${release}`), 'config/crd', channel);
  const documents = readdirSync(folder)
    .filter((file) => file.startsWith('gateway.networking') && file.endsWith('.yaml'))
    .flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => document.toJS() as unknown));
  return documents.map(asObject).filter((object) => object?.['kind'] === 'CustomResourceDefinition') as Record<string, unknown>[];
}

/** Installs the CRDs of the kinds that have to do with names, or replaces those that are there, and waits until the API serves them. */
export async function installCrds(api: Pick<ApiServer, 'request'>, crds: readonly Record<string, unknown>[]): Promise<void> {
  const chosen = crds.filter((crd) => PLURALS.some((plural) => nameOf(crd).startsWith(`${plural}.`)));
  for (const crd of chosen) {
    const path = `${CRDS}/${nameOf(crd)}`;
    const known = await api.request({ path });
    if (known.status === 404) await must(api, { method: 'POST', path: CRDS, body: crd });
    else
      await must(api, {
        method: 'PUT',
        path,
        body: { ...crd, metadata: { ...asObject(crd['metadata']), resourceVersion: versionOf(known.body) } },
      });
  }
  for (const crd of chosen)
    await waitFor(`${nameOf(crd)} to be served`, async () => {
      const conditions = asArray(asObject((await must(api, { path: `${CRDS}/${nameOf(crd)}` }))['status'])?.['conditions']).map(asObject);
      return conditions.some((condition) => condition?.['type'] === 'Established' && condition['status'] === 'True');
    });
}

/** Removes every CRD of the Gateway API, and all objects with them. */
export async function removeCrds(api: Pick<ApiServer, 'request'>): Promise<void> {
  const all = asArray((await must(api, { path: CRDS }))['items']).map((item) => nameOf(asObject(item) ?? {}));
  const ours = all.filter((name) => /\.gateway\.networking\.(x-)?k8s\.io$/.test(name));
  for (const name of ours) await must(api, { method: 'DELETE', path: `${CRDS}/${name}` });
  for (const name of ours)
    await waitFor(`${name} to go`, async () => (await api.request({ path: `${CRDS}/${name}` })).status === 404, REMOVED_MS_MAX, 100);
}

function versionOf(object: unknown): string {
  return asString(asObject(asObject(object)?.['metadata'])?.['resourceVersion']) ?? '';
}

function nameOf(object: Readonly<Record<string, unknown>>): string {
  return asString(asObject(object['metadata'])?.['name']) ?? '';
}
