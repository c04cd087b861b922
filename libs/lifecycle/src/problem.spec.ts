import { describe, expect, it } from '@jest/globals';
import { type ArgumentsHost, HttpException, NotFoundException } from '@nestjs/common';
import { MeshError } from '#contracts';
import { answerProblem, ProblemFilter } from './problem.js';

/** What a Fastify reply was told. */
class Reply {
  code = 0;
  readonly headers: Record<string, string> = {};
  body = '';
  status(code: number): this {
    this.code = code;
    return this;
  }
  header(name: string, value: string): this {
    this.headers[name] = value;
    return this;
  }
  send(body: Uint8Array): this {
    this.body = Buffer.from(body).toString();
    return this;
  }
}

function caught(exception: unknown) {
  const logged: unknown[] = [];
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: (_: string, fields?: unknown) => void logged.push(fields),
  };
  const reply = new Reply();
  const host = { switchToHttp: () => ({ getResponse: () => reply }) } as unknown as ArgumentsHost;
  new ProblemFilter(log).catch(exception, host);
  return { ...reply, problem: JSON.parse(reply.body), logged };
}

describe('an error of a Nest HTTP server', () => {
  it.each<[string, unknown, number, string]>([
    ['of the mesh', new MeshError('conflict', 'Why.'), 409, 'conflict'],
    ['of Nest', new NotFoundException('Cannot GET /x'), 404, 'not-found'],
    ['of Nest without a code of ours', new HttpException('tea', 418), 500, 'internal'],
    [
      'of Fastify',
      Object.assign(new Error('bad'), { code: 'FST_ERR_BAD_URL', statusCode: 400 }),
      400,
      'bad-request',
    ],
    [
      'of Fastify, too large',
      Object.assign(new Error('x'), { code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 }),
      413,
      'payload-too-large',
    ],
    ['of anyone', new Error('secret at /work/file.ts:1'), 500, 'internal'],
    ['that is no error', 'secret', 500, 'internal'],
  ])('%s', (_, exception, status, code) => {
    const { code: sent, headers, problem, body } = caught(exception);
    expect([sent, headers['content-type']]).toEqual([status, 'application/problem+json']);
    expect(problem).toMatchObject({
      status,
      code,
      instance: expect.stringMatching(/^urn:uuid:[0-9a-f-]{36}$/),
    });
    expect(body).not.toMatch(/secret|Cannot GET/);
  });

  it('is logged with its cause only where it is a mistake of ours', () => {
    const error = new Error('secret');
    expect(caught(error).logged).toEqual([error]);
    expect(caught(new MeshError('conflict')).logged).toEqual([]);
  });

  it('says how to go on', () => {
    expect(caught(new MeshError('unauthorized')).headers['www-authenticate']).toBe('Bearer');
    expect(caught(new MeshError('catalogue-unavailable')).headers['retry-after']).toBe('1');
    expect(caught(new MeshError('conflict')).headers).not.toHaveProperty('retry-after');
  });
});

it('what Fastify refuses before Nest hears of it is a problem, too', () => {
  const reply = new Reply();
  answerProblem(
    Object.assign(new Error('x'), { code: 'FST_ERR_BAD_URL', statusCode: 400 }),
    undefined,
    reply,
  );
  expect([reply.code, JSON.parse(reply.body).code]).toEqual([400, 'bad-request']);
});
