import { connect, createServer } from 'node:net';

// A program for a network namespace of a test: what comes to 127.0.0.1:PORT there goes to a Unix socket, which namespaces do not divide.
const [port = '', socket = ''] = process.argv.slice(2);
createServer((client) => {
  const upstream = connect(socket);
  const end = () => {
    client.destroy();
    upstream.destroy();
  };
  for (const side of [client, upstream]) side.on('error', end).on('close', end);
  client.pipe(upstream).pipe(client);
}).listen(Number(port), '127.0.0.1');
