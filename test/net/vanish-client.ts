// Run inside a namespace by vanish.test.ts: `dead` source addresses ask the server 300 times each, then `good` asks 200 times, one query
// after the other. Prints how many of those were answered, and the longest wait in milliseconds.
export {};

const [server = '', good = '', ...dead] = process.argv.slice(2);
const query = Buffer.from('123401000001000000000000016106 6d696e696c62 00 0001 0001'.replace(/ /g, ''), 'hex');

for (const address of dead) {
  const socket = await Bun.udpSocket({ hostname: address, socket: { error: () => {} } });
  for (let i = 0; i < 300; i++) {
    socket.send(query, 53, server);
    if (i % 50 === 49) await Bun.sleep(1);
  }
  socket.close();
}

let answered = 0;
let worstMs = 0;
let arrived = () => {};
const socket = await Bun.udpSocket({ hostname: good, socket: { data: () => arrived(), error: () => {} } });
for (let i = 0; i < 200; i++) {
  const start = performance.now();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  arrived = () => resolve(true);
  socket.send(query, 53, server);
  if (await Promise.race([promise, Bun.sleep(5000).then(() => false)])) answered++;
  worstMs = Math.max(worstMs, performance.now() - start);
}
socket.close();
console.log(JSON.stringify({ answered, worstMs }));
// The time-outs of answered queries still run.
process.exit(0);
