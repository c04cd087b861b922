import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startNats } from '#servers';
import { closeAll, later, until } from './fixtures/later.js';
import { ServiceProcess } from './fixtures/service-process.js';

/* How a service process begins and ends, seen from outside. Needs `npm run build`. */

afterEach(closeAll);

const REQUIRED: Readonly<Record<string, Record<string, string>>> = {
  'ingress-http': { MESH_HTTP_PORT: '0' },
  executor: { MESH_ARTIFACTS_URL: 'file:///tmp/none', MESH_HEALTH_PORT: '0' },
};
/** A port of 127.0.0.1 on which nobody listens. */
const NOBODY = 'nats://127.0.0.1:1';

function started(app: string, environment: Record<string, string>): ServiceProcess {
  const service = new ServiceProcess(app, { MESH_NATS_URL: NOBODY, ...REQUIRED[app], ...environment });
  later(() => service.end('SIGKILL'));
  return service;
}
const exited = (service: ServiceProcess) => until(() => service.ended, Boolean, 15_000);

describe.each(Object.keys(REQUIRED))('%s', (app) => {
  it('ends with one message that names every faulty variable and what would be right', async () => {
    const service = started(app, {
      MESH_NATS_URL: 'localhost',
      MESH_HTTP_PORT: 'http',
      MESH_HEALTH_PORT: 'x',
      MESH_NATS_PASSWORD: 'hunter2',
    });
    await exited(service);
    expect(service.child.exitCode).toBe(1);
    expect(service.output).toContain(`${app} cannot start with this configuration:`);
    expect(service.output).toContain('MESH_NATS_URL: "localhost" is not usable');
    expect(service.output).toContain(`MESH_${app === 'executor' ? 'HEALTH' : 'HTTP'}_PORT: `);
    expect(service.output.match(/Remedy: /g)?.length).toBe(2);
    expect(service.output).not.toMatch(/hunter2|\n\s*at /);
  });

  it('that still waits for nats-server says so, and ends at once when asked', async () => {
    const port = await freePort();
    const service = started(app, { MESH_HTTP_PORT: port, MESH_HEALTH_PORT: port });
    const ready = async () =>
      (await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined))?.status;
    await until(ready, (status) => status === 503, 15_000);
    const begin = performance.now();
    expect(await service.end('SIGTERM')).toBe(0);
    expect(performance.now() - begin).toBeLessThan(5_000);
  });

  it('names the port that is taken', async () => {
    const nats = await startNats({ open: true });
    later(() => nats.stop());
    const taken = String(nats.port);
    const service = started(app, { MESH_NATS_URL: nats.url, MESH_HTTP_PORT: taken, MESH_HEALTH_PORT: taken });
    await exited(service);
    expect(service.child.exitCode).toBe(1);
    expect(service.output).toContain(taken);
  });
});

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return String(port);
}
