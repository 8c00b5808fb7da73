import { initialState } from '../../src/core/api-server/apply.ts';
import { handleRequest } from '../../src/core/api-server/handle.ts';
import type { ApiKind } from '../../src/core/api-server/kind.ts';
import { kindsWith } from '../../src/core/api-server/kinds.ts';
import type { ApiState } from '../../src/core/api-server/state.ts';
import { advanceWatch, type Watch, type WatchEvent } from '../../src/core/api-server/watch.ts';
import { asObject, asString, type RawObject } from '../../src/core/object/raw.ts';
import { toApiErrorCode } from '../../src/core/value/api-error.ts';
import type { ApiFailure, ApiRequest, ApiResult, ApiStream, KubeClient } from '../../src/shell/kube/client.ts';
import type { Clock } from '../../src/shell/system/clock.ts';
import type { ApiReply, ApiTestRequest } from './api.ts';

/** The embedded API server without sockets: nothing takes time but what the test's clock says. */
export interface InProcessApi {
  readonly client: KubeClient;
  readonly request: (request: ApiTestRequest) => Promise<ApiReply>;
  /** Answers nothing from now on, and cuts every watch. */
  readonly cut: (away: boolean) => void;
}

interface Follower {
  watch: Watch;
  readonly push: (events: readonly WatchEvent[]) => void;
  readonly end: () => void;
}

export function createInProcessApi(furtherKinds: readonly ApiKind[], clock: Clock, random: () => number): InProcessApi {
  const kinds = kindsWith(furtherKinds);
  const context = () => ({ wallMs: clock.wall(), random });
  const followers = new Set<Follower>();
  let state: ApiState = initialState(kinds, { ...context(), strict: false });
  let away = false;

  const handle = (request: Pick<ApiTestRequest, 'method' | 'path' | 'query' | 'body' | 'contentType'>) => {
    const method = request.method ?? 'GET';
    const contentType = request.contentType ?? (method === 'PATCH' ? 'application/merge-patch+json' : 'application/json');
    const body = request.body === undefined ? '' : JSON.stringify(request.body);
    const { path, query = {} } = request;
    const handled = handleRequest(state, kinds, { method, path, query, accept: 'application/json', contentType, body }, context());
    state = handled.state;
    for (const follower of followers) {
      const progress = advanceWatch(state, follower.watch);
      follower.watch = progress.watch;
      follower.push(progress.events);
      if (progress.over) follower.end();
    }
    return handled.answer;
  };
  const reply = (request: ApiTestRequest): { readonly status: number; readonly body: RawObject } => {
    const answer = handle(request);
    if (answer.kind === 'object' || answer.kind === 'status') return { status: answer.status, body: answer.body };
    throw new Error(`${request.path} answers with a ${answer.kind}`);
  };
  const unreachable: ApiFailure = { ok: false, code: 'unreachable', status: 0, detail: 'the test has cut it off' };

  const toResult = ({ status, body }: ReturnType<typeof reply>): ApiResult<unknown> =>
    status < 300
      ? { ok: true, value: structuredClone(body) }
      : { ok: false, code: toApiErrorCode(status), status, detail: asString(body['message']) ?? '' };

  const stream = ({ path, query = {} }: Pick<ApiRequest, 'path' | 'query'>, signal: AbortSignal): ApiResult<ApiStream> => {
    const answer = handle({ path, query });
    if (answer.kind !== 'watch')
      return toResult({ status: 'status' in answer ? answer.status : 500, body: 'body' in answer ? answer.body : {} }) as ApiFailure;
    const lines: Uint8Array[] = [];
    let wake = () => {};
    let over = false;
    const encoder = new TextEncoder();
    const follower: Follower = {
      watch: answer.watch,
      push: (events) => {
        if (events.length > 0) lines.push(encoder.encode(events.map((event) => `${JSON.stringify(event)}\n`).join('')));
        wake();
      },
      end: () => {
        over = true;
        followers.delete(follower);
        wake();
      },
    };
    follower.push(answer.events);
    followers.add(follower);
    signal.addEventListener('abort', follower.end, { once: true });
    if (answer.watch.timeoutSeconds !== undefined) void clock.after(answer.watch.timeoutSeconds * 1000, signal).then(follower.end);
    const chunks = async function* () {
      for (;;) {
        const line = lines.shift();
        if (line) yield line;
        else if (over) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    };
    return { ok: true, value: { chunks: chunks() } };
  };

  return {
    client: {
      server: 'in-process',
      context: 'test',
      namespace: 'default',
      request: async (request) => (away ? unreachable : toResult(reply(request))),
      stream: async (request, signal) => (away ? unreachable : stream(request, signal)),
    },
    request: async (request) => {
      const { status, body } = reply(request);
      return { status, headers: new Headers(), body: asObject(structuredClone(body)) };
    },
    cut: (next) => {
      away = next;
      if (away) for (const follower of [...followers]) follower.end();
    },
  };
}
