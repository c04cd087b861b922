import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type PostgresServer, startPostgres } from '#servers';
import { dataSource } from '../apps/registry/src/catalogue/data-source.js';
import { closeAll, later } from './fixtures/later.js';

/* Postgres ended by SIGKILL in the middle of what the catalogue does with it. */

afterEach(closeAll);

/**
 * Between the catalogue and Postgres. From the second session on it holds back what the server says once it has
 * greeted, and lets it through in one piece when the server has gone: so it comes to a process that was busy meanwhile.
 * @returns its URL, and when a greeting is held back
 */
async function slowCable(server: PostgresServer): Promise<{ url: string; greeted: Promise<void> }> {
  let sessions = 0;
  const greeted = Promise.withResolvers<void>();
  const proxy = createServer((client) => {
    const isHeld = ++sessions > 1;
    const upstream = connect(server.port, '127.0.0.1');
    client.pipe(upstream).on('error', () => undefined);
    const held: Buffer[] = [];
    upstream.on('data', (chunk) => {
      // PostgreSQL manual, "Message Formats": ReadyForQuery is Z, its length, and I for idle.
      const greets = held.length > 0 || chunk.includes('Z\0\0\0\x05I');
      if (!isHeld || !greets) return void client.write(chunk);
      held.push(chunk);
      greeted.resolve();
    });
    upstream.on('close', () => client.end(Buffer.concat(held)));
    client.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  later(() => void proxy.close());
  const url = new URL(server.url);
  url.port = String((proxy.address() as AddressInfo).port);
  return { url: url.href, greeted: greeted.promise };
}

describe('a connection of the catalogue', () => {
  it('whose server is killed as soon as it has greeted ends no process', async () => {
    const server = await startPostgres();
    later(() => server.stop());
    const { url, greeted } = await slowCable(server);
    const source = await dataSource(url, () => undefined).initialize();
    later(() => source.destroy());
    const busy = source.createQueryRunner();
    await busy.startTransaction();
    const second = source.query('SELECT 1');
    await greeted;
    process.kill(server.pid, 'SIGKILL');
    await expect(second).rejects.toThrow();
    await busy.release();
  });
});
