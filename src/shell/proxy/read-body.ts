import { err, ok, type Result } from '../../core/value/result.ts';
import { type Clock, withTimeout } from '../system/clock.ts';

/** The longest body of a call, as the API's documentation says. */
export const BODY_BYTES_MAX = 1024 * 1024;
/** All bodies that are being read at one time, however many callers there are. */
const BODIES_BYTES_MAX = 16 * 1024 * 1024;
const BODY_MS_MAX = 10_000;

export type BodyErrorCode = 'too-large' | 'too-slow' | 'busy' | 'broken';

/** Reads bodies of requests within limits of length, of time and of all of them together. */
export function createBodyReader(clock: Clock): (request: Request) => Promise<Result<string, BodyErrorCode>> {
  let held = 0;
  return async (request) => {
    const reader = request.body?.getReader();
    if (!reader) return ok('');
    const limit = withTimeout(clock, BODY_MS_MAX, request.signal);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    try {
      for (;;) {
        const read = await Promise.race([reader.read(), limit.late]);
        if (!read) return err(request.signal.aborted ? 'broken' : 'too-slow');
        if (read.done) return ok(Buffer.concat(chunks).toString('utf8'));
        bytes += read.value.length;
        held += read.value.length;
        if (bytes > BODY_BYTES_MAX) return err('too-large');
        if (held > BODIES_BYTES_MAX) return err('busy');
        chunks.push(read.value);
      }
    } catch {
      // The connection broke, or Bun stopped the body at its own limit: there is nobody to tell.
      return err('broken');
    } finally {
      held -= bytes;
      limit.done();
      void reader.cancel().catch(() => {});
    }
  };
}
