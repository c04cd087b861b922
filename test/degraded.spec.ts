import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { headers, connect as natsClient } from '@nats-io/transport-node';
import { type ControlPath, callSubject, type ManifestInput, readConfig } from '#contracts';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import { settings } from '../apps/executor/src/config.js';
import { start } from '../apps/executor/src/executor.js';
import { until } from './fixtures/later.js';
import { artifactOf, closeAll, get, later, publish, registry, temporaryFolder } from './registry.fixture.js';

/*
 * What an operator sees of a handler that goes wrong: the registry shows where it is degraded and why, until a run of it has
 * come to its end. Needs `npm run build`.
 */

type Isolation = 'thread' | 'process';

interface Case {
  readonly code: string;
  readonly shown: string;
  /** In the words that the registry shows. */
  readonly because: RegExp;
  readonly timeoutMs?: number;
  /** Whether a call that asks for it is answered well, so that the fault is taken back. */
  readonly mends?: false;
  readonly processOnly?: true;
}

/** Well when it is asked to be, else as the case has it. */
const unlessWell = (body: string): string =>
  `export default async (event) => { if (event.query.well) return 'well'; ${body} }`;

const CASES: Readonly<Record<string, Case>> = {
  'an error that nobody catches': {
    code: unlessWell('setTimeout(() => { throw new Error("secret") }); await new Promise(() => {})'),
    shown: 'worker-crashed',
    because: /nobody could catch|ended with code/,
  },
  'a rejection that nobody handles': {
    code: unlessWell('void Promise.reject(new Error("secret")); await new Promise(() => {})'),
    shown: 'worker-crashed',
    because: /nobody could catch|ended with code/,
  },
  'process.exit': {
    code: unlessWell('process.exit(7)'),
    shown: 'worker-crashed',
    because: /ended with code 7/,
  },
  'out of memory': {
    code: unlessWell('const kept = []; for (;;) kept.push({ a: { b: 1 } })'),
    shown: 'worker-crashed',
    because: /more than the 128 MB|ended/,
    timeoutMs: 20_000,
  },
  'a loop': {
    code: unlessWell('for (;;);'),
    shown: 'worker-crashed',
    because: /did not stop at its deadline/,
    timeoutMs: 300,
  },
  'a module that throws': {
    code: 'throw new Error("secret")',
    shown: 'load-failed',
    because: /threw while it was imported/,
    mends: false,
  },
  'a module without a handler': {
    code: 'export const a = 1',
    shown: 'no-handler',
    because: /./,
    mends: false,
  },
  'a module that exits': {
    code: 'process.exit(0); export default () => 1',
    shown: 'worker-crashed',
    because: /ended with code 0/,
    mends: false,
  },
  'a module that is never ready': {
    code: 'await new Promise(() => {}); export default () => 1',
    shown: 'load-timeout',
    because: /not loaded after \d+ s/,
    timeoutMs: 200,
    mends: false,
  },
  'a native crash': {
    code: unlessWell('process.kill(process.pid, "SIGSEGV"); await new Promise(() => {})'),
    shown: 'worker-crashed',
    because: /ended by SIGSEGV/,
    processOnly: true,
  },
};
const ENOUGH_MS = 60_000;

const pathOf = (name: string) => `degraded/${name.toLowerCase().replaceAll(/[^a-z]+/g, '-')}` as ControlPath;

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

describe.each<Isolation>(['thread', 'process'])('in isolation %s the registry shows', (isolation) => {
  const cases = Object.entries(CASES).filter(
    ([, { processOnly }]) => isolation === 'process' || !processOnly,
  );
  let nats: NatsServer;
  let base: { url: string };
  let call: (path: ControlPath, body: string) => Promise<string>;

  beforeAll(async () => {
    nats = await startNats();
    const running = await registry({ database: await postgres.createDatabase(isolation), nats });
    await running.joined;
    base = running;
    for (const [name, { code, timeoutMs }] of cases) {
      const path = pathOf(name);
      const manifest: ManifestInput = { path, version: '1.0.0', limits: timeoutMs ? { timeoutMs } : {} };
      await publish(base, path, await artifactOf(manifest, code));
    }
    await startExecutor(nats, running.artifacts, isolation);
    call = await caller(nats);
    // What hangs takes ten seconds to be given up: meanwhile the others have their turn.
    void call(pathOf('a module that is never ready'), '');
  });
  afterAll(async () => {
    await closeAll();
    await nats.stop();
  });

  const degradedOf = async (path: ControlPath): Promise<{ code: string; detail: string }[]> =>
    (await get(base, `/v1/handlers/${encodeURIComponent(path)}`)).body.degraded;

  it.each(cases)(
    '%s',
    async (name, { shown, because, mends = true }) => {
      const path = pathOf(name);
      if (mends)
        await until(
          () => call(path, '{"well":1}'),
          (answer) => answer === 'well',
          ENOUGH_MS,
        );
      await call(path, '');
      const [report] = await until(
        () => degradedOf(path),
        ({ length }) => length > 0,
        ENOUGH_MS,
      );
      expect(report).toMatchObject({ version: '1.0.0', code: shown, detail: expect.stringMatching(because) });
      expect(JSON.stringify(report)).not.toContain('secret');
      if (!mends) return;
      await until(
        () => call(path, '{"well":1}'),
        (answer) => answer === 'well',
        ENOUGH_MS,
      );
      await until(
        () => degradedOf(path),
        ({ length }) => length === 0,
        ENOUGH_MS,
      );
    },
    3 * ENOUGH_MS,
  );
});

async function startExecutor(nats: NatsServer, artifacts: string, isolation: Isolation): Promise<void> {
  const { user, password } = nats.users.executor;
  const config = readConfig('executor', settings, {
    MESH_NATS_URL: nats.url,
    MESH_NATS_USER: user,
    MESH_NATS_PASSWORD: password,
    MESH_ARTIFACTS_URL: pathToFileURL(artifacts).href,
    MESH_CACHE_DIR: temporaryFolder(),
    MESH_ISOLATION: isolation,
    MESH_WORKER_MEMORY: '128',
    MESH_HEALTH_PORT: '0',
  });
  const executor = await start(config, {}, { health: false });
  later(() => executor.stop());
}

/** @returns calls a path as an ingress does, and gives the body of the answer, whatever it is */
async function caller(nats: NatsServer): Promise<(path: ControlPath, body: string) => Promise<string>> {
  const { user, password } = nats.users.ingress;
  const client = await natsClient({ servers: nats.url, user, pass: password, inboxPrefix: '_INBOX.ingress' });
  later(() => client.close());
  return async (path, body) => {
    const options = { timeout: ENOUGH_MS, headers: headers() };
    const reply = await client.request(callSubject(path), body, options).catch(() => undefined);
    return reply?.string() ?? '';
  };
}
