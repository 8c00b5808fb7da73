import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { run } from './child.ts';
import { type QueryOptions, queryBytes, type ReplyText, readReply } from './dns-query.ts';
import { pause } from './wait.ts';

export type Transport = 'udp' | 'tcp';

/** What a client sees of an answer: the response code and the addresses (or other data), sorted. */
export interface Seen {
  readonly rcode: string;
  readonly data: readonly string[];
}

/** Asks a server on 127.0.0.1 one question; rejects when no answer comes. */
export type Lookup = (port: number, name: string, type: string, transport: Transport) => Promise<Seen>;

const ANSWER_MS_MAX = 5_000;

/** A lookup with Node's sockets and npm's codec: for the tier that has nothing else. */
export const lookup: Lookup = async (port, name, type, transport) => {
  const reply = await ask(port, name, type, transport);
  return { rcode: reply.rcode, data: reply.answers.map((line) => line.split(' ').slice(2).join(' ')).sort() };
};

/** A lookup with `dig`, which is what users have. */
export const digLookup: Lookup = async (port, name, type, transport) => {
  const flags = [
    '+noall',
    '+comments',
    '+answer',
    '+norecurse',
    '+tries=1',
    `+time=${ANSWER_MS_MAX / 1000}`,
    ...(transport === 'tcp' ? ['+tcp'] : []),
  ];
  const text = await run(['dig', '@127.0.0.1', '-p', String(port), name, type, ...flags]);
  const answers = text.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
  return { rcode: /status: (\w+)/.exec(text)?.[1] ?? 'none', data: answers.map((line) => line.split(/\s+/).slice(4).join(' ')).sort() };
};

/** Sends one query and reads the reply with an independent codec. */
export async function ask(port: number, name: string, type: string, transport: Transport, options: QueryOptions = {}): Promise<ReplyText> {
  const query = Buffer.from(queryBytes(name, type, { id: 1 + Math.floor(Math.random() * 65_535), ...options }));
  const reply = await withLimit(transport === 'udp' ? askUdp(port, query) : askTcp(port, query), `${name} ${type} over ${transport}`);
  if (reply.readUInt16BE(0) !== query.readUInt16BE(0)) throw new Error(`${name}: an answer to another query`);
  return readReply(reply);
}

interface Pending {
  readonly answer: Promise<Buffer>;
  readonly close: () => void;
}

async function withLimit(pending: Pending, what: string): Promise<Buffer> {
  try {
    const late = pause(ANSWER_MS_MAX).then(() => undefined);
    const answer = await Promise.race([pending.answer, late]);
    if (!answer) throw new Error(`no answer to ${what} within ${ANSWER_MS_MAX} ms`);
    return answer;
  } finally {
    pending.close();
  }
}

function askUdp(port: number, query: Buffer): Pending {
  const socket = createSocket('udp4');
  const answer = new Promise<Buffer>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('message', resolve);
    socket.send(query, port, '127.0.0.1');
  });
  return { answer, close: () => socket.close() };
}

function askTcp(port: number, query: Buffer): Pending {
  const socket = connect(port, '127.0.0.1');
  const answer = new Promise<Buffer>((resolve, reject) => {
    let received = Buffer.alloc(0);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection closed without an answer')));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0))
        resolve(received.subarray(2, 2 + received.readUInt16BE(0)));
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
  });
  return { answer, close: () => socket.destroy() };
}

/** What a steady stream of queries met. */
export interface Watched {
  readonly count: number;
  /** Answers that were not allowed, and queries without answer. */
  readonly wrong: readonly string[];
  /** Different answers, in the order they first came. */
  readonly seen: readonly string[];
}

/** Queries under way. */
export interface Asking {
  readonly latest: () => string;
  readonly stop: () => Promise<Watched>;
}

const PAUSE_MS = 10;

/** Asks the same question over and over until stopped; every answer must be one of `allowed` (sorted addresses joined by a space). */
export function keepAsking(port: number, name: string, allowed: readonly string[]): Asking {
  let going = true;
  let count = 0;
  const wrong: string[] = [];
  const seen = new Set<string>();
  let latest = '';
  const loop = async () => {
    while (going) {
      const transport = count % 10 === 9 ? 'tcp' : 'udp';
      const answer = await lookup(port, name, 'A', transport).then(
        (got) => (got.rcode === 'NOERROR' ? got.data.join(' ') : got.rcode),
        (error: unknown) => String(error),
      );
      count++;
      seen.add(answer);
      latest = answer;
      if (!allowed.includes(answer)) wrong.push(`query ${count} over ${transport}: ${answer || 'empty'}`);
      await pause(PAUSE_MS);
    }
  };
  const done = loop();
  return {
    latest: () => latest,
    stop: async () => {
      going = false;
      await done;
      return { count, wrong, seen: [...seen] };
    },
  };
}
