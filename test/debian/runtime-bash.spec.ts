import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeAll } from '../fixtures/later.js';
import { type Mesh, mesh } from '../fixtures/mesh.js';

/*
 * examples/runtimes/bash, a custom runtime written from AWS's documentation alone, under the executor's Runtime API.
 * MESH_TEST_INVOCATIONS=10000 runs as many; a process each for curl makes that minutes.
 */

const INVOCATIONS = Number(process.env.MESH_TEST_INVOCATIONS ?? 300);
/** Callers at once; the program has one invocation at a time. */
const CALLERS = 8;

let world: Mesh;
beforeAll(async () => {
  world = await mesh((of) => of.publishFolder('examples/runtimes/bash'));
});
afterAll(closeAll);

const call = (event: unknown) =>
  fetch(`${world.url}/runtimes/bash`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
  });

describe('a runtime in bash', () => {
  it(
    `runs ${INVOCATIONS} invocations without a fault, but for the one in whose middle it is killed`,
    async () => {
      let next = 0;
      const faults: unknown[] = [];
      const killed = Math.floor(INVOCATIONS / 2);
      const caller = async () => {
        for (let n = next++; n < INVOCATIONS; n = next++) {
          if (n === killed) {
            const died = await call('die');
            if (died.status !== 502) faults.push([n, died.status]);
            continue;
          }
          const response = await call({ n, text: 'ä "quoted" \\ $(id) `id`' });
          const answer = (await response.json()) as { got?: { n?: number } };
          if (response.status !== 200 || answer.got?.n !== n) faults.push([n, response.status, answer]);
        }
      };
      await Promise.all(Array.from({ length: CALLERS }, caller));
      expect(faults).toEqual([]);
    },
    60_000 + INVOCATIONS * 200,
  );

  it('that reports an error is an error of the handler, and goes on', async () => {
    const failed = await call('fail');
    expect(failed.status).toBe(500);
    expect(await failed.json()).toMatchObject({ code: 'handler-error' });
    expect((await call(1)).status).toBe(200);
  });

  it('that is killed gives its caller 502 at once, and the next one an answer', async () => {
    const { pid } = (await (await call(1)).json()) as { pid: number };
    const [died, waited] = await Promise.all([call('die'), call(2)]);
    expect(died.status).toBe(502);
    expect(await died.json()).toMatchObject({ code: 'worker-crashed' });
    expect(waited.status).toBe(200);
    const after = (await (await call(3)).json()) as { pid: number };
    expect(after.pid).not.toBe(pid);
  });
});
