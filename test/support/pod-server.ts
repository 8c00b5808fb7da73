// A pod: answers HTTP on port 8080, or another one, of both families with its name, and closes each connection.
const [name = '', port = '8080'] = process.argv.slice(2);
Bun.serve({ hostname: '::', port: Number(port), fetch: () => new Response(name, { headers: { connection: 'close' } }) });
