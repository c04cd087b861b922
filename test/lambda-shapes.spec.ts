import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect, headers } from '@nats-io/transport-node';
import { closeAll, later, until } from './fixtures/later.js';
import { type Catalogue, catalogue, executor, type Mesh, mesh, served } from './fixtures/mesh.js';
import { awsServer, deadLetterQueue, Producer, ingress as sqsIngress } from './fixtures/sqs.js';

/* Handlers in other shapes than the mesh's own, packed and published as usual, in each kind of isolation. */

const JSON_BODY = { 'content-type': 'application/json' };
const SHAPES: Record<string, string> = {
  old: `export const handler = async ({ httpMethod, path, queryStringParameters, body }) =>
    ({ statusCode: 202, multiValueHeaders: { 'set-cookie': ['a=1', 'b=2'] }, body: JSON.stringify([httpMethod, path, queryStringParameters, body]) });`,
  events: `export const handleEvent = async (event) => ({ ...event, type: 'answer', data: { was: event.data, from: event.source } });`,
  payload: `export const handle = (payload, { functionName }) => ({ payload, functionName });`,
  wrong: `export const handler = async () => 'no proxy answer';`,
};
const EVENTS = {
  old: 'apigateway-v1',
  events: 'cloudevents',
  payload: 'payload',
  wrong: 'apigateway-v1',
} as const;

describe.each(['inline', 'thread', 'process'])('in isolation by %s', (isolation) => {
  let world: Mesh;
  beforeAll(async () => {
    world = await mesh(
      async ({ publish, publishFolder }) => {
        for (const [path, code] of Object.entries(SHAPES))
          await publish({ path, version: '1.0.0', event: EVENTS[path as keyof typeof EVENTS] }, code);
        await publishFolder(resolve('examples/notes-api'));
      },
      { MESH_ISOLATION: isolation },
    );
  });
  afterAll(closeAll);

  const fetched = async (path: string, init?: RequestInit) => {
    const response = await fetch(world.url + path, init);
    const type = response.headers.get('content-type');
    return {
      status: response.status,
      type,
      text: await response.text(),
      cookies: response.headers.getSetCookie(),
    };
  };

  it("a function of API Gateway's 2.0 runs unchanged", async () => {
    const put = await fetched('/notes/a%20b', { method: 'PUT', body: 'grüß' });
    expect([put.status, JSON.parse(put.text)]).toMatchObject([201, { id: 'a b', by: 'notes' }]);
    expect(await fetched('/notes/a%20b')).toMatchObject({ status: 200, text: '{"id":"a b","text":"grüß"}' });
    expect(await fetched('/notes')).toMatchObject({
      status: 200,
      type: 'application/json',
      text: '["1","a b"]',
    });
    expect(await fetched('/notes/none')).toMatchObject({ status: 404, text: '{"message":"No such note"}' });
  });

  it("a function of API Gateway's 1.0 runs unchanged", async () => {
    const answer = await fetched('/old?a=1&a=2', { method: 'POST', body: 'x' });
    expect(answer).toMatchObject({ status: 202, type: 'application/json', cookies: ['a=1', 'b=2'] });
    expect(JSON.parse(answer.text)).toEqual(['POST', '/old', { a: '2' }, 'x']);
  });

  it('a handler of CloudEvents answers with one', async () => {
    const answer = await fetched('/events', {
      method: 'POST',
      headers: {
        'ce-specversion': '1.0',
        'ce-id': 'x',
        'ce-source': '/me',
        'ce-type': 't',
        'content-type': 'application/json',
      },
      body: '{"a":1}',
    });
    expect([answer.status, answer.type]).toEqual([200, 'application/cloudevents+json']);
    expect(JSON.parse(answer.text)).toMatchObject({
      id: 'x',
      type: 'answer',
      data: { was: { a: 1 }, from: '/me' },
    });
  });

  it('a handler of CloudEvents has what a NATS client states, and what a client of Lambda sends', async () => {
    const nats = await connect({ servers: world.nats.url });
    later(() => nats.close());
    const stated = headers();
    for (const [name, value] of Object.entries({ id: 'x', source: '/me', type: 't', tenant: 'gr%C3%BCn' }))
      stated.set(`ce-${name}`, value);
    const reply = await nats.request('mesh.call.events', '{"a":1}', { headers: stated, timeout: 10_000 });
    const answer = { type: 'answer', id: 'x', tenant: 'grün', data: { was: { a: 1 }, from: '/me' } };
    expect(reply.json()).toMatchObject(answer);
    const event = { specversion: '1.0', id: 'x', source: '/me', type: 't', tenant: 'grün', data: { a: 1 } };
    const Payload = JSON.stringify(event);
    const invoked = await lambda().send(new InvokeCommand({ FunctionName: 'events', Payload }));
    expect(JSON.parse(invoked.Payload?.transformToString() ?? '')).toEqual({ ...event, ...answer });
  });

  const lambda = () => {
    const client = new LambdaClient({
      endpoint: world.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    });
    later(() => client.destroy());
    return client;
  };

  it('a handler of the payload has it from HTTP, from NATS and from a client of Lambda', async () => {
    const expected = { payload: { id: 42 }, functionName: 'payload' };
    const body = '{"id":42}';
    expect(
      JSON.parse((await fetched('/payload', { method: 'POST', headers: JSON_BODY, body })).text),
    ).toEqual(expected);
    const nats = await connect({ servers: world.nats.url });
    later(() => nats.close());
    expect((await nats.request('mesh.call.payload', body)).json()).toEqual(expected);
    const { Payload } = await lambda().send(new InvokeCommand({ FunctionName: 'payload', Payload: body }));
    expect(JSON.parse(Payload?.transformToString() ?? '')).toEqual(expected);
  });

  it('an answer of another convention is an error of the handler', async () => {
    expect(await fetched('/wrong')).toMatchObject({
      status: 500,
      text: expect.stringContaining('bad-answer'),
    });
  });
});

/** A program whose answer breaks off in the middle where it is to say that a message failed. */
const CUT_OFF = `#!/usr/bin/env node
(async () => {
  const base = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/invocation/';
  for (;;) {
    const response = await fetch(base + 'next');
    const id = response.headers.get('lambda-runtime-aws-request-id');
    const [{ body, messageId }] = (await response.json()).Records;
    const answer = JSON.stringify({ batchItemFailures: [{ itemIdentifier: messageId }] });
    await fetch(base + id + '/response', { method: 'POST', body: body === 'bad' ? answer.slice(0, -2) : '' });
  }
})()`;

describe('a function of SQS', () => {
  afterAll(closeAll);

  const RECORDS = `export const handler = async ({ Records }) => ({
    batchItemFailures: Records
      .filter(({ body, eventSource, attributes }) => body === 'bad' || eventSource !== 'aws:sqs' || !attributes.SentTimestamp)
      .map(({ messageId }) => ({ itemIdentifier: messageId })),
  });`;

  function publishProgram(of: Catalogue, stated: object) {
    const folder = mkdtempSync(join(tmpdir(), 'mesh-program-'));
    later(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'bootstrap'), CUT_OFF, { mode: 0o755 });
    writeFileSync(join(folder, 'mesh.json'), JSON.stringify({ ...stated, runtime: 'provided' }));
    return of.publishFolder(folder);
  }

  it('has its records from a queue, singly and in batches, and what it names comes again', async () => {
    const of = await catalogue();
    const aws = await awsServer();
    await executor(of);
    const queues: [dead: Producer, source: Producer][] = [];
    for (const queue of ['singly', 'batches', 'program']) {
      const sqs = queue === 'batches' ? { queue, batchSize: 10 } : { queue };
      const stated = { path: `take/${queue}`, version: '1.0.0', event: 'sqs' as const, triggers: [{ sqs }] };
      const isProgram = queue === 'program';
      await served(of, await (isProgram ? publishProgram(of, stated) : of.publish(stated, RECORDS)));
      const { dead, RedrivePolicy } = await deadLetterQueue(aws, 2, `${queue}-dead`);
      const source = new Producer(aws, await aws.createQueue(queue, { RedrivePolicy }));
      for (const body of ['good', 'bad', 'fine']) await source.send(body);
      queues.push([dead, source]);
    }
    await sqsIngress(of.nats, aws, '');
    for (const [dead, source] of queues) {
      await until(
        () => dead.counts(),
        ({ visible }) => visible === 1,
        20_000,
      );
      expect((await dead.receive(10)).map(({ Body }) => Body)).toEqual(['bad']);
      await source.emptied();
    }
  }, 60_000);
});
