import type { ApiErrorCode, ApiFailure, ApiRequest, ApiResult, KubeClient } from '../../src/shell/kube/client.ts';

export type FakeAnswer = ApiResult<unknown> | Promise<ApiResult<unknown>>;

export interface FakeClient extends KubeClient {
  readonly requests: readonly ApiRequest[];
}

/** A client whose answers the test writes; it remembers what was asked. `stream` is not for it. */
export function createFakeClient(answer: (request: ApiRequest, signal: AbortSignal) => FakeAnswer): FakeClient {
  const requests: ApiRequest[] = [];
  return {
    server: 'https://fake',
    context: 'fake',
    namespace: 'default',
    requests,
    request: async (request, signal) => {
      requests.push(request);
      return answer(request, signal);
    },
    stream: async () => failure('unreachable'),
  };
}

const STATUS: Readonly<Record<ApiErrorCode, number>> = {
  unreachable: 0,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  gone: 410,
  invalid: 422,
  'too-many': 429,
  'server-error': 500,
};

export function failure(code: ApiErrorCode, detail = `${code}, says the test`): ApiFailure {
  return { ok: false, code, status: STATUS[code], detail };
}
