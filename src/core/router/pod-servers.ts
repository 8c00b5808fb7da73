import type { MinilbPod } from '../object/minilb-pod.ts';
import type { ServerAddress, SocketAddress } from '../settings/kinds.ts';

/**
 * Where a Pod's DNS server is reached from outside: with hostNetwork the addresses it listens on, or its node's where it listens on all; with
 * a `hostPort` that of the node. Empty for a Pod behind a Service alone.
 */
export function podServers(pod: MinilbPod, listen: readonly SocketAddress[]): readonly ServerAddress[] {
  const found = listen.flatMap(({ ip, port }): readonly ServerAddress[] => {
    if (pod.hostNetwork) return (ip ? [ip] : pod.hostIps).map((address) => ({ ip: address, port }));
    const mapped = pod.ports.filter((each) => each.containerPort === port && each.hostPort !== undefined);
    return mapped.flatMap(({ hostPort = 0, hostIp }) =>
      (hostIp ? [hostIp] : pod.hostIps).map((address) => ({ ip: address, port: hostPort })),
    );
  });
  return uniqueServers(found);
}

export function uniqueServers(servers: readonly ServerAddress[]): readonly ServerAddress[] {
  const byText = new Map(servers.map((server) => [`${server.ip} ${server.port}`, server]));
  return [...byText].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })).map(([, server]) => server);
}
