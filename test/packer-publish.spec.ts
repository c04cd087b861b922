import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { contentDigestOf, PublishError, publish } from '#packer';

/*
 * What publish puts on the wire, and what it makes of each kind of answer. The other end is a plain HTTP server that
 * answers what a registry may: the whole way through the real one is the embedded mesh's own test.
 */
const artifact = new Uint8Array([0x1f, 0x8b, 1, 2, 3]);
const manifest = { path: 'users/find' } as Parameters<typeof publish>[0]['packed']['manifest'];

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

/** A server with one answer; gives its URL and the requests that it saw. */
async function registry(
  answer: Answer | undefined,
): Promise<{ url: string; seen: [IncomingMessage, Buffer][] }> {
  const seen: [IncomingMessage, Buffer][] = [];
  const listening = createServer(async (request, response) => {
    seen.push([request, await buffer(request)]);
    // Without an answer it is a registry that hangs.
    if (answer) response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, seen };
}

const publishTo = (registryUrl: string, timeoutMs = 5000) =>
  publish({ registryUrl, token: 'secret-token', packed: { manifest, artifact }, timeoutMs });

describe('publish', () => {
  it('sends the artifact with its digest and the token, and gives what the registry says', async () => {
    const { url, seen } = await registry({ status: 201, body: '{"version":"1.0.0"}' });
    expect(await publishTo(url)).toEqual({ version: '1.0.0' });
    const [[request, body]] = seen as [[IncomingMessage, Buffer]];
    expect([request.method, request.url]).toEqual(['POST', '/v1/handlers/users%2Ffind/versions']);
    expect(request.headers).toMatchObject({
      authorization: 'Bearer secret-token',
      'content-type': 'application/vnd.lambda-mesh.artifact+gzip',
      'content-digest': contentDigestOf(artifact),
      'content-length': String(artifact.length),
    });
    expect(body).toEqual(Buffer.from(artifact));
  });

  it.each<[string, Answer, object]>([
    [
      'a problem',
      { status: 409, body: '{"code":"conflict","title":"That exists.","detail":"1.0.0 has other bytes."}' },
      { status: 409, code: 'conflict', message: expect.stringContaining('1.0.0 has other bytes.') },
    ],
    [
      'a problem without detail',
      { status: 401, body: '{"title":"A token."}' },
      { status: 401, message: expect.stringContaining('A token.') },
    ],
    [
      'an answer that is no JSON',
      { status: 502, body: '<html>' },
      { status: 502, code: undefined, message: expect.stringContaining('no reason') },
    ],
    [
      'a redirect, which the token must not follow',
      { status: 307, headers: { location: 'http://127.0.0.1:9/' } },
      { status: 0 },
    ],
  ])('throws for %s', async (_what, answer, expected) => {
    const { url, seen } = await registry(answer);
    await expect(publishTo(url)).rejects.toMatchObject({ name: 'PublishError', ...expected });
    expect(seen).toHaveLength(1);
  });

  it('does not wait for ever, and says where nobody is', async () => {
    const { url } = await registry(undefined);
    await expect(publishTo(url, 200)).rejects.toMatchObject({
      status: 0,
      message: `The registry at ${url} did not answer in time.`,
    });
    await new Promise((resolve) => {
      server?.closeAllConnections();
      server?.close(resolve);
    });
    const error = await publishTo(url).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PublishError);
    expect((error as Error).message).toBe(`The registry at ${url} cannot be reached.`);
    expect(JSON.stringify(error)).not.toContain('secret-token');
  });
});
