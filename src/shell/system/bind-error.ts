const REASONS: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'the port is in use by another program'],
  ['EACCES', 'not permitted: ports below 1024 need CAP_NET_BIND_SERVICE'],
  ['EADDRNOTAVAIL', 'this host has no such address'],
  ['EAFNOSUPPORT', 'this host does not speak that family'],
]);

/** Says in a few words why an address could not be bound, from the system's error code; an unknown code is returned as it is. */
export function bindReason(code: string): string {
  return REASONS.get(code) ?? code;
}
