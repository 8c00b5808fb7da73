import { connect, createServer, type Socket } from 'node:net';

/** Stands between minilb and an API server, and can fail as networks do. */
export interface TcpProxy {
  readonly port: number;
  /** From now on the connections of this moment carry nothing more, and nobody is told: what a lost NAT entry looks like. */
  readonly silence: () => void;
  /** Ends all connections and takes no new ones. */
  readonly refuse: () => void;
  /** Takes new connections again. */
  readonly accept: () => void;
  readonly connections: () => number;
  readonly stop: () => Promise<void>;
}

/** Listens on a free port of 127.0.0.1 and forwards to `targetPort` there. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const open = new Map<Socket, { silent: boolean }>();
  let refusing = false;

  const server = createServer((client) => {
    if (refusing) {
      client.destroy();
      return;
    }
    const link = { silent: false };
    const upstream = connect(targetPort, '127.0.0.1');
    open.set(client, link);
    const end = () => {
      open.delete(client);
      client.destroy();
      // A silenced link does not even tell that it ended.
      upstream.destroy();
    };
    const forward = (from: Socket, to: Socket) => {
      from.on('data', (chunk) => {
        if (!link.silent) to.write(chunk);
      });
      from.on('error', end);
      from.on('close', () => {
        if (!link.silent || from === client) end();
      });
    };
    forward(client, upstream);
    forward(upstream, client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('the proxy has no port');
  const cut = () => {
    for (const client of open.keys()) client.destroy();
  };
  return {
    port: address.port,
    silence: () => {
      for (const link of open.values()) link.silent = true;
    },
    refuse: () => {
      refusing = true;
      cut();
    },
    accept: () => {
      refusing = false;
    },
    connections: () => open.size,
    stop: () =>
      new Promise<void>((resolve) => {
        cut();
        server.close(() => resolve());
      }),
  };
}
