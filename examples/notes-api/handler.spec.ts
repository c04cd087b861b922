import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { type ApiGatewayV2Event, type HandlerTrigger, handler } from '@lambda-mesh/handler';
import { call } from '@lambda-mesh/handler/testing';

/* The module itself knows nothing of the mesh; in a test it stands behind what package.json says of it. */
const lambda = createRequire(import.meta.url)('./index.cjs') as {
  handler: (event: ApiGatewayV2Event, context: object) => Promise<unknown>;
};
const { mesh } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')) as {
  mesh: { triggers: HandlerTrigger[] };
};
const notes = handler('notes', { event: 'apigateway-v2', triggers: mesh.triggers }, lambda.handler);

describe('notes', () => {
  it('answers as behind API Gateway', async () => {
    const answer = await call<{ message: string }>(notes, { method: 'DELETE' });
    expect(answer).toMatchObject({ status: 400, headers: { 'content-type': 'application/json' } });
    expect(answer.body.message).toContain('Not for');
  });

  it('is called by a client of Lambda with the document that it expects', async () => {
    const body = { routeKey: 'GET /notes/{id}', pathParameters: { id: '1' } };
    expect((await call(notes, { source: 'lambda', body })).body).toMatchObject({
      statusCode: 200,
      body: '{"id":"1","text":"Buy milk"}',
    });
  });
});
