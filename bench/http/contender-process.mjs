import { createServer } from 'node:http';

/*
 * What the hand-written processes have in common beside their contest: they tell their parent when they are ready,
 * and end with it.
 */

process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));

export const ready = (facts = {}) => process.send({ ready: true, ...facts });

/** An HTTP server on a free port of the loopback address, with Node's keep-alive as it is. */
export function serve(listener) {
  const server = createServer({ noDelay: true }, listener);
  server.listen(0, '127.0.0.1', () => ready({ port: server.address().port }));
}
