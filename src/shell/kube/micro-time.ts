import { isoTime } from '../system/clock.ts';

/** metadata/v1 MicroTime: RFC 3339 with exactly six fractional digits, or the API server answers 400. */
export function microTime(wallMs: number): string {
  return isoTime(wallMs).replace('Z', '000Z');
}
