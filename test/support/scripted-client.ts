import type { ApiResult, ApiStream, KubeClient } from '../../src/shell/kube/client.ts';

/** One streaming GET that a reflector has open, played by the test. */
export interface ScriptedStream {
  readonly query: Readonly<Record<string, string>>;
  /** Sends an object of a watch, or text as it is. */
  readonly send: (...parts: readonly (string | object)[]) => void;
  readonly end: () => void;
  readonly break: () => void;
  readonly aborted: () => boolean;
}

export interface ScriptedClient extends KubeClient {
  /** All streams so far, in the order they were asked for. */
  readonly streams: readonly ScriptedStream[];
  /** How the next requests are answered; by default they are opened. */
  readonly answer: (with_: ((query: Readonly<Record<string, string>>) => ApiResult<unknown> | undefined) | undefined) => void;
}

/** A client whose server is the test. */
export function createScriptedClient(): ScriptedClient {
  const streams: ScriptedStream[] = [];
  let refuse: ((query: Readonly<Record<string, string>>) => ApiResult<unknown> | undefined) | undefined;
  return {
    server: 'https://test',
    context: 'test',
    namespace: 'default',
    streams,
    answer: (with_) => {
      refuse = with_;
    },
    request: async () => ({ ok: false, code: 'not-found', status: 404, detail: 'not scripted' }),
    stream: async ({ query = {} }, signal): Promise<ApiResult<ApiStream>> => {
      const refused = refuse?.(query);
      if (refused && !refused.ok) return refused;
      const queue = createQueue(signal);
      const encoder = new TextEncoder();
      streams.push({
        query,
        send: (...parts) => {
          const text = parts.map((part) => (typeof part === 'string' ? part : `${JSON.stringify(part)}\n`)).join('');
          queue.push({ kind: 'bytes', bytes: encoder.encode(text) });
        },
        end: () => queue.push({ kind: 'end' }),
        break: () => queue.push({ kind: 'break' }),
        aborted: () => signal.aborted,
      });
      return { ok: true, value: { chunks: queue.chunks() } };
    },
  };
}

type Item = { readonly kind: 'bytes'; readonly bytes: Uint8Array } | { readonly kind: 'end' } | { readonly kind: 'break' };

function createQueue(signal: AbortSignal) {
  const items: Item[] = [];
  let wake = () => {};
  signal.addEventListener('abort', () => wake());
  return {
    push: (item: Item) => {
      items.push(item);
      wake();
    },
    async *chunks(): AsyncGenerator<Uint8Array> {
      for (;;) {
        if (signal.aborted) throw new Error('aborted');
        const item = items.shift();
        if (item?.kind === 'bytes') yield item.bytes;
        else if (item?.kind === 'end') return;
        else if (item?.kind === 'break') throw new Error('the connection was cut');
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
