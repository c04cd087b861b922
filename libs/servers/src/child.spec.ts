import { describe, expect, it } from '@jest/globals';
import { type Launch, launch } from './child.js';
import { identify } from './identity.js';

/** A server in small: what it prints and does is all that counts here. */
const node = (script: string, options: Partial<Launch> = {}): Launch => ({
  server: 'toy',
  command: process.execPath,
  args: ['-e', script],
  ready: /^ready$/,
  stopSignal: 'SIGTERM',
  ...options,
});
const STAY = 'setInterval(() => {}, 1000);';

describe('a server process', () => {
  it('is started when it says that it is ready, not before', async () => {
    const lines: string[] = [];
    const server = await launch(
      node(`console.log('not yet ready'); setTimeout(() => console.error('ready'), 50); ${STAY}`, {
        onLine: (line) => lines.push(line),
      }),
    );
    expect(lines).toEqual(['not yet ready', 'ready']);
    expect(server.log()).toBe('not yet ready\nready');
    await server.stop();
    expect(identify(server.pid)).toBeUndefined();
  });

  it('sees nothing of the environment of its parent', async () => {
    const server = await launch(
      node(`console.log(JSON.stringify(process.env)); console.log('ready'); ${STAY}`),
    );
    const names = Object.keys(JSON.parse(server.log().split('\n')[0] as string));
    expect(names.sort()).toEqual(['LC_ALL', 'PATH', 'TZ']);
    await server.stop();
  });

  it('that ends while starting is an error with its last words', async () => {
    await expect(launch(node(`console.error('no room'); process.exit(3)`))).rejects.toMatchObject({
      name: 'ServerError',
      message: 'toy ended while starting (exit code 3).\nno room',
    });
  });

  it('that stays silent is ended, and an error with its last words', async () => {
    let pid = 0;
    const silent = node(`console.log('thinking'); ${STAY}`, {
      readyWithinMs: 300,
      onStarted: (started) => {
        pid = started;
      },
    });
    await expect(launch(silent)).rejects.toThrow('toy was not ready within 300 ms.\nthinking');
    expect(identify(pid)).toBeUndefined();
  });

  it('that cannot be run is an error with the command', async () => {
    await expect(launch(node('', { command: '/no/such/program' }))).rejects.toThrow(
      'toy cannot be run: spawn /no/such/program ENOENT',
    );
  });

  it('that does not heed its signal is killed', async () => {
    const deaf = `process.on('SIGTERM', () => {}); console.log('ready'); ${STAY}`;
    const server = await launch(node(deaf, { stopWithinMs: 100 }));
    await server.stop();
    expect(identify(server.pid)).toBeUndefined();
  });

  it('tells when it is gone, and can then be stopped for nothing', async () => {
    const server = await launch(node(`console.log('ready'); setTimeout(() => process.exit(1), 50)`));
    await server.exited;
    await server.stop();
    await server.stop();
  });

  it('keeps its last lines only', async () => {
    const many = `for (let i = 0; i < 500; i++) console.log(i); console.log('ready'); ${STAY}`;
    const server = await launch(node(many));
    expect(server.log().split('\n')).toHaveLength(60);
    expect(server.log()).toMatch(/\n499\nready$/);
    await server.stop();
  });

  it('does not warn when there are many', async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error) => void warnings.push(warning);
    process.on('warning', hear);
    const servers = await Promise.all(
      Array.from({ length: 12 }, () => launch(node(`console.log('ready'); ${STAY}`))),
    );
    await Promise.all(servers.map((server) => server.stop()));
    await new Promise((resolve) => setImmediate(resolve));
    process.removeListener('warning', hear);
    expect(warnings).toEqual([]);
  });
});
