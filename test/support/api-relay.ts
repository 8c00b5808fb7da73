import { connect, createServer } from 'node:net';

// Lets a program in a namespace reach an API server outside it: `api-relay.ts PORT SOCKET` listens on 127.0.0.1:PORT and hands over to a Unix
// socket, which no namespace hides.
const [port = '', path = ''] = process.argv.slice(2);
const server = createServer((client) => {
  const upstream = connect(path);
  client.pipe(upstream).pipe(client);
  for (const end of [client, upstream]) {
    end.on('error', () => {
      client.destroy();
      upstream.destroy();
    });
  }
});
server.listen(Number(port), '127.0.0.1', () => process.stdout.write('relaying\n'));
