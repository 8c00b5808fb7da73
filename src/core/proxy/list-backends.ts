import { cidrText } from '../value/ip.ts';
import { hostPort, type Listen, type Protocol } from './backend.ts';
import { type HeldFile, heldListens } from './plan-change.ts';
import { type BoundPorts, missingListens } from './proc-net.ts';

/** A backend as `GET /api/v1/lb` and `minilb updater list` show it. */
export interface ListedBackend {
  readonly backendName: string;
  readonly lbPort: number;
  readonly lbProtocol: Protocol;
  readonly upstreamServers: readonly string[];
  readonly sourceRanges: readonly string[];
  readonly owner: string;
  /** `idle`: it has no upstreams, so nothing is to listen. `silent`: something is to listen and does not. */
  readonly state: 'listening' | 'silent' | 'idle';
}

/** What is configured, and what of it listens. Files that no updater wrote, or that somebody edited, are left out. */
export function listBackends(files: Iterable<HeldFile>, bound: BoundPorts): readonly ListedBackend[] {
  return [...files].flatMap((file) => {
    if (!file.parsed.ok) return [];
    const { backend } = file.parsed.value;
    return [
      {
        backendName: backend.name,
        lbPort: backend.port,
        lbProtocol: backend.protocol,
        upstreamServers: backend.upstreams.map(hostPort),
        sourceRanges: backend.sourceRanges.map(cidrText),
        owner: backend.owner,
        state: stateOf(heldListens(file), bound),
      },
    ];
  });
}

function stateOf(listens: readonly Listen[], bound: BoundPorts): ListedBackend['state'] {
  if (listens.length === 0) return 'idle';
  return missingListens(bound, listens).length === 0 ? 'listening' : 'silent';
}
