import { readFileSync } from 'node:fs';

/** Names of the functions that JavaScriptCore compiled, by address. */
export interface JitSymbols {
  readonly nameAt: (address: number) => string | undefined;
}

const HEADER_BYTES_AT = 8;
const CODE_LOAD = 0;
const CODE_ADDRESS_AT = 32;
const CODE_SIZE_AT = 40;
const NAME_AT = 56;

/**
 * Reads a jitdump file (Linux, tools/perf/Documentation/jitdump-specification.txt), which JavaScriptCore writes with `useJITDump`. Where code
 * was written over other code, the later one counts.
 */
export function readJitDump(path: string): JitSymbols {
  const bytes = readFileSync(path);
  const loads: { readonly from: number; readonly to: number; readonly name: string }[] = [];
  for (let at = bytes.readUInt32LE(HEADER_BYTES_AT); at + NAME_AT <= bytes.length; at += bytes.readUInt32LE(at + 4)) {
    if (bytes.readUInt32LE(at + 4) === 0) break;
    if (bytes.readUInt32LE(at) !== CODE_LOAD) continue;
    const from = Number(bytes.readBigUInt64LE(at + CODE_ADDRESS_AT));
    const name = bytes.toString('utf8', at + NAME_AT, bytes.indexOf(0, at + NAME_AT));
    loads.push({ from, to: from + Number(bytes.readBigUInt64LE(at + CODE_SIZE_AT)), name });
  }
  return { nameAt: (address) => loads.findLast(({ from, to }) => address >= from && address < to)?.name };
}
