/*
 * The process that startAws() starts: `node aws-main <port> <data folder>`. Run as it stands by Node's type
 * stripping when there is no build, so nothing here may need a compiler: no enums, no #imports.
 */
import { type ListenOptions, Server } from 'node:net';
import { startFauxqs } from 'fauxqs';

const [port, dataDir] = process.argv.slice(2);

// fauxqs 2.4.1 listens on every interface and offers no choice; its data is nobody's but this machine's.
const listen = Server.prototype.listen;
Server.prototype.listen = function onLoopback(this: Server, options: ListenOptions, ...rest: never[]) {
  return listen.call(this, { ...options, host: '127.0.0.1' }, ...rest);
} as typeof listen;

const server = await startFauxqs({ port: Number(port), dataDir, logger: false });
const stop = (): void => {
  void server.stop().then(() => process.exit(0));
};
process.once('SIGTERM', stop);
// The parent holds the other end: when it closes, nobody is left to stop this process.
process.stdin.once('end', stop).resume();
console.log(`ready on port ${server.port}`);
