import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeAll, later } from '../fixtures/later.js';
import { catalogue, executor, ingress } from '../fixtures/mesh.js';
import { streams } from '../http-async.fixture.js';

/* The AWS command line, Debian's, against the mesh: signed, since it cannot but sign. */

const run = promisify(execFile);
const AWS = '/usr/bin/aws';
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCY';

let url: string;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-awscli-'));
  later(() => rmSync(folder, { recursive: true, force: true }));
  const of = await catalogue();
  await streams(of);
  const handlers = {
    'users/find': '(e, c) => e.query.id ? { id: e.query.id } : c("FAIL", { error: "Missing ?id=" })',
    throws: '(_, { log }) => { log("about to throw"); throw new RangeError("out of reach") }',
  };
  for (const [path, code] of Object.entries(handlers))
    await of.publish({ path, version: '1.2.0' }, `export default ${code}`);
  await executor(of);
  ({ url } = await ingress(of, { MESH_LAMBDA_CREDENTIALS: `AKIAMESH:${SECRET}` }));
}, 60_000);
afterAll(closeAll);

/** One command, with what it printed and what it wrote. */
async function aws(payload: string, ...args: string[]) {
  const [input, output] = [join(folder, 'in.json'), join(folder, 'out.json')];
  writeFileSync(input, payload);
  writeFileSync(output, '');
  const { stdout } = await run(
    AWS,
    ['--endpoint-url', url, 'lambda', 'invoke', '--payload', `fileb://${input}`, ...args, output],
    { env: environment() },
  );
  return { said: JSON.parse(stdout) as Record<string, unknown>, written: readFileSync(output, 'utf8') };
}

const environment = (secret = SECRET) => ({
  HOME: folder,
  PATH: '/usr/bin:/bin',
  AWS_ACCESS_KEY_ID: 'AKIAMESH',
  AWS_SECRET_ACCESS_KEY: secret,
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_MAX_ATTEMPTS: '1',
  AWS_PAGER: '',
});

const refusal = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'accepted',
    ({ stderr }: { stderr: string }) => stderr,
  );

describe('aws lambda invoke', () => {
  it('waits for an answer, with a qualifier', async () => {
    const { said, written } = await aws('{"id":42}', '--function-name', 'users/find', '--qualifier', '1.2.0');
    expect(said).toEqual({ StatusCode: 200, ExecutedVersion: '1.2.0' });
    expect(JSON.parse(written)).toEqual({ id: '42' });
  }, 60_000);

  it('takes the name without a slash, a client context and a log tail', async () => {
    const context = Buffer.from('{"custom":{}}').toString('base64');
    const { said, written } = await aws(
      '{}',
      ...['--function-name', 'throws', '--log-type', 'Tail', '--client-context', context],
    );
    expect(said).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled', ExecutedVersion: '1.2.0' });
    expect(Buffer.from(String(said.LogResult), 'base64').toString()).toContain('about to throw');
    expect(JSON.parse(written)).toEqual({ errorType: 'RangeError', errorMessage: 'out of reach', trace: [] });
    expect((await aws('{}', '--function-name', 'users-find')).said).toMatchObject({
      FunctionError: 'Handled',
    });
  }, 60_000);

  it('sends an Event, and runs dry', async () => {
    const event = await aws('{"id":1}', '--function-name', 'users/find', '--invocation-type', 'Event');
    expect([event.said, event.written]).toEqual([{ StatusCode: 202 }, '']);
    const dry = await aws('{}', '--function-name', 'users/find', '--invocation-type', 'DryRun');
    expect([dry.said, dry.written]).toEqual([{ StatusCode: 204 }, '']);
  }, 60_000);

  it('is told what is wrong', async () => {
    expect(await refusal(aws('{}', '--function-name', 'nobody'))).toContain('(ResourceNotFoundException)');
    expect(await refusal(aws('{', '--function-name', 'users/find'))).toContain(
      '(InvalidRequestContentException)',
    );
    const big = JSON.stringify('x'.repeat(6 * 1024 * 1024));
    expect(await refusal(aws(big, '--function-name', 'users/find'))).toContain('(RequestTooLargeException)');
    const unsigned = run(AWS, ['--endpoint-url', url, 'lambda', 'list-functions'], {
      env: environment('wrong+secret'),
    });
    expect(await refusal(unsigned)).toContain('(InvalidSignatureException)');
  }, 60_000);

  it('is told which functions there are', async () => {
    const { stdout } = await run(AWS, ['--endpoint-url', url, 'lambda', 'list-functions'], {
      env: environment(),
    });
    const { Functions } = JSON.parse(stdout) as { Functions: { FunctionName: string }[] };
    expect(Functions.map(({ FunctionName }) => FunctionName)).toEqual(['throws', 'users/find']);
  }, 60_000);
});
