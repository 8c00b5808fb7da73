// A pod: answers HTTP on port 8080 of both families with its name, and closes each connection.
const [name = ''] = process.argv.slice(2);
Bun.serve({ hostname: '::', port: 8080, fetch: () => new Response(name, { headers: { connection: 'close' } }) });
