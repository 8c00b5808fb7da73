import type { ServerAddress } from '../settings/kinds.ts';
import { parseIp } from '../value/ip.ts';
import { TYPE } from '../wire/message.ts';
import { wireNameText } from '../wire/text.ts';
import type { UpstreamAnswer } from './upstream-answer.ts';

/** Bytes of an owner that is a pointer, type, class, TTL and length. */
const HEAD_BYTES = 12;
const TYPE_AT = 2;
/** Name servers of a resolv.conf that are looked at (resolv.conf(5): MAXNS). */
const RESOLVERS_MAX = 3;

/**
 * Whose zone `-domain` is, by the answer to a question for its SOA: the primary server it names when that is none of `ours`, else
 * `undefined`. Somebody else's zone of that name means that its names, mail for example, end where minilb answers.
 */
export function foreignPrimary(answer: UpstreamAnswer, ours: readonly string[]): string | undefined {
  const { body } = answer;
  // An answer that is an alias, or that is about another zone, has its first record elsewhere or none.
  if (answer.answers === 0 || answer.aliases.length > 0 || body[TYPE_AT + 1] !== TYPE.SOA || body[TYPE_AT] !== 0) return undefined;
  const primary = wireNameText(body.subarray(HEAD_BYTES)).toLowerCase();
  return ours.includes(primary) ? undefined : primary;
}

/** The `nameserver` lines of a resolv.conf; IPv6 ones with a zone are left out. */
export function resolversIn(resolvConf: string): readonly ServerAddress[] {
  const found = [...resolvConf.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].flatMap(([, text]) => parseIp(text) ?? []);
  return found.slice(0, RESOLVERS_MAX).map((ip) => ({ ip, port: 53 }));
}
