/** Objects that are remembered as left out. */
const SEEN_MAX = 1000;

/** Remembers which object was seen at which version, so that one left out is logged once and not at every list. */
export interface Seen {
  readonly isNew: (key: string, version: string) => boolean;
}

export function createSeen(): Seen {
  const versions = new Map<string, string>();
  return {
    isNew: (key, version) => {
      if (versions.get(key) === version) return false;
      if (versions.size >= SEEN_MAX) versions.clear();
      versions.set(key, version);
      return true;
    },
  };
}

/** `namespace/name` out of the beginning of an object's JSON, where the API server writes metadata. */
export function nameIn(start: string): string | undefined {
  const meta = start.slice(Math.max(0, start.indexOf('"metadata"')));
  const name = /"name"\s*:\s*"([^"]{1,253})"/.exec(meta)?.[1];
  const namespace = /"namespace"\s*:\s*"([^"]{1,63})"/.exec(meta)?.[1];
  return name !== undefined && namespace !== undefined ? `${namespace}/${name}` : name;
}
