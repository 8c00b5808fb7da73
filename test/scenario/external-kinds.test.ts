import { afterAll, beforeAll, describe } from 'bun:test';
import { crdKind, externalCrds } from '../support/crd-kind.ts';
import { type EmbeddedApi, startEmbedded } from '../support/embedded.ts';
import { externalKindRows } from '../support/external-rows.ts';

describe('the embedded API server takes and refuses the kinds of by proxy as the CRDs say', () => {
  let api: EmbeddedApi;
  beforeAll(async () => {
    api = await startEmbedded(externalCrds().map(crdKind));
  });
  afterAll(() => api.stop());
  externalKindRows(() => api);
});
