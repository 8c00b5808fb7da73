import { lookup } from 'node:dns/promises';
import { type Ip, parseIp } from '../../core/value/ip.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import { type Clock, withTimeout } from '../system/clock.ts';
import { errorCode } from '../system/io.ts';

const RESOLVE_MS_MAX = 3_000;

/** All addresses of a name, as this host's resolver gives them; the proxy asks the same one when it reads its configuration. */
export async function resolveName(name: string, clock: Clock): Promise<Result<readonly Ip[], 'unresolvable'>> {
  const limit = withTimeout(clock, RESOLVE_MS_MAX, new AbortController().signal);
  try {
    const found = await Promise.race([lookup(name, { all: true }), limit.late]);
    if (!found) return err('unresolvable', `host not found in time: ${name}`);
    const addresses = found.map((each) => parseIp(each.address)).filter((ip) => ip !== undefined);
    return addresses.length === found.length && found.length > 0 ? ok(addresses) : err('unresolvable', `host not found: ${name}`);
  } catch (error) {
    return err('unresolvable', `host not found: ${name}${errorCode(error) === '' ? '' : ` (${errorCode(error)})`}`);
  } finally {
    limit.done();
  }
}
