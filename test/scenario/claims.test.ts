import { describe, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startEmbedded } from '../support/embedded.ts';
import { GATEWAY_KINDS } from '../support/gateway-kinds.ts';
import { parseScript } from '../support/script/parse-script.ts';
import { runScript } from '../support/script/run-script.ts';

const FOLDER = join(import.meta.dirname, 'claims');

/** Each file says in prose what a cluster administrator could check: apply, query, expect. The system tier plays the same against a real one. */
describe('who has which name, before the embedded API server', () => {
  test.each(readdirSync(FOLDER))(
    '%s',
    async (file) => {
      const api = await startEmbedded(GATEWAY_KINDS);
      try {
        await runScript(parseScript(readFileSync(join(FOLDER, file), 'utf8')), { api });
      } finally {
        await api.stop();
      }
    },
    120_000,
  );

  test('an object that cannot be read at all costs only itself', async () => {
    const api = await startEmbedded(GATEWAY_KINDS);
    try {
      await runScript(parseScript(UNREADABLE), { api });
    } finally {
      await api.stop();
    }
  }, 120_000);
});

/** No API server with a schema lets these in. */
const UNREADABLE = `
apply
  broken gateway bad in a
  gateway good in a, status 192.0.2.1, listenersets Same
    listener web: HTTP 80
  broken listenerset bad in a
  listenerset good in a, gateway a/good, accepted
    listener web: HTTP 80
  broken httproute bad in a
  httproute good in a, hosts http.sko.ai, parent a/good accepted
  httproute set in a, hosts set.sko.ai, parent listenerset a/good accepted
  broken grpcroute bad in a
  grpcroute good in a, hosts grpc.sko.ai, parent a/good accepted
  broken tlsroute bad in a
query http.sko.ai A
  192.0.2.1
query set.sko.ai A
  192.0.2.1
query grpc.sko.ai A
  192.0.2.1
logged kind=TLSRoute object=a/bad
# One that was good and breaks takes its own names along, and no others.
apply
  broken httproute good in a
query http.sko.ai A
  refused
query set.sko.ai A
  192.0.2.1
`;
