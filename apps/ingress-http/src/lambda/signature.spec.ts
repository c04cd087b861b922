import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { checkSignature, claimOf } from './signature.js';

const NOW = Date.UTC(2030, 0, 31, 12, 0, 0);
const KEYS = new Map([['AKIAMESH', 'secret/key+of=some-length']]);

/** A request of its own making, by the book: "Create a signed AWS API request". Not by the library that checks. */
function signed(body = '{"a":1}', change: { date?: string; service?: string; skip?: string[] } = {}) {
  const { date = '20300131T120000Z', service = 'lambda', skip = [] } = change;
  const url = '/2015-03-31/functions/users%2Ffind/invocations?Qualifier=%24LATEST';
  const headers: Record<string, string> = {
    host: '127.0.0.1:8080',
    'x-amz-date': date,
    'x-amz-invocation-type': 'RequestResponse',
  };
  const names = Object.keys(headers).filter((name) => !skip.includes(name));
  const canonical = [
    'POST',
    '/2015-03-31/functions/users%252Ffind/invocations',
    'Qualifier=%24LATEST',
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    createHash('sha256').update(body).digest('hex'),
  ].join('\n');
  const scope = `${date.slice(0, 8)}/us-east-1/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', date, scope, createHash('sha256').update(canonical).digest('hex')].join(
    '\n',
  );
  const key = scope
    .split('/')
    .reduce<string | Buffer>(
      (secret, part) => createHmac('sha256', secret).update(part).digest(),
      `AWS4${KEYS.get('AKIAMESH')}`,
    );
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  headers.authorization = `AWS4-HMAC-SHA256 Credential=AKIAMESH/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { method: 'POST', url, headers, body: Buffer.from(body) };
}

type Signed = ReturnType<typeof signed>;
async function verdict(request: Signed, now = NOW): Promise<string> {
  try {
    await checkSignature(claimOf(request, KEYS, now), request, request.body);
    return 'fine';
  } catch (error) {
    return (error as { type: string }).type;
  }
}
/** The signed request with something of it replaced; `undefined` takes a header away. */
function changed({
  headers = {},
  ...more
}: { headers?: Record<string, string | undefined> } & Partial<Omit<Signed, 'headers'>>): Signed {
  const request = signed();
  const all = Object.entries({ ...request.headers, ...headers }).filter(([, value]) => value !== undefined);
  return { ...request, ...more, headers: Object.fromEntries(all) as Record<string, string> };
}
const URL_SIGNED = signed().url;

describe('a signature', () => {
  it('made by the book is fine, with a body or without', async () => {
    expect(await verdict(signed())).toBe('fine');
    expect(await verdict(signed(''))).toBe('fine');
    expect(await verdict(signed('{"grüß":"\\u0000"}'))).toBe('fine');
  });

  it("made by AWS's library is fine", async () => {
    const { url, method, body } = signed();
    const [path, query] = url.split('?') as [string, string];
    const secretAccessKey = KEYS.get('AKIAMESH') as string;
    const signer = new SignatureV4({
      credentials: { accessKeyId: 'AKIAMESH', secretAccessKey },
      region: 'eu-central-1',
      service: 'lambda',
      sha256: sha256 as never,
    });
    const made = await signer.sign(
      new HttpRequest({
        method,
        path,
        query: Object.fromEntries(new URLSearchParams(query)),
        headers: { host: 'x' },
        body,
      }),
      { signingDate: new Date(NOW) },
    );
    expect(await verdict({ method, url, body, headers: made.headers })).toBe('fine');
  });

  it.each<[string, Signed, string]>([
    ['a body that was changed', changed({ body: Buffer.from('{}') }), 'InvalidSignatureException'],
    [
      'a header that was changed',
      changed({ headers: { 'x-amz-invocation-type': 'Event' } }),
      'InvalidSignatureException',
    ],
    ['another host', changed({ headers: { host: 'evil' } }), 'InvalidSignatureException'],
    ['another query', changed({ url: URL_SIGNED.replace('LATEST', 'OLDEST') }), 'InvalidSignatureException'],
    ['another path', changed({ url: URL_SIGNED.replace('find', 'drop') }), 'InvalidSignatureException'],
    ['another method', changed({ method: 'GET' }), 'InvalidSignatureException'],
    [
      'a header that is not signed',
      changed({ headers: { 'x-amz-log-type': 'Tail' } }),
      'InvalidSignatureException',
    ],
    ['no host signed', signed('{}', { skip: ['host'] }), 'InvalidSignatureException'],
    ['no date signed', signed('{}', { skip: ['x-amz-date'] }), 'InvalidSignatureException'],
    ['another service', signed('{}', { service: 's3' }), 'InvalidSignatureException'],
    [
      'a wrong hash that is stated',
      changed({ headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }),
      'InvalidSignatureException',
    ],
    ['another scheme', changed({ headers: { authorization: 'Bearer x' } }), 'IncompleteSignatureException'],
    ['no date', changed({ headers: { 'x-amz-date': undefined } }), 'IncompleteSignatureException'],
    [
      'no signature',
      changed({ headers: { authorization: undefined } }),
      'MissingAuthenticationTokenException',
    ],
    [
      'a key that is not known',
      changed({ headers: { authorization: signed().headers.authorization?.replace('MESH', 'NONE') } }),
      'UnrecognizedClientException',
    ],
  ])('with %s is refused', async (_, request, type) => {
    expect(await verdict(request)).toBe(type);
  });

  it('counts for five minutes either way', async () => {
    for (const [minutes, said] of [
      [-5, 'fine'],
      [5, 'fine'],
      [-6, 'InvalidSignatureException'],
      [6, 'InvalidSignatureException'],
      [1_440, 'InvalidSignatureException'],
    ] as const)
      expect([minutes, await verdict(signed(), NOW + minutes * 60_000)]).toEqual([minutes, said]);
  });
});

/** The hash in the form that the library asks for. */
function sha256(this: unknown, secret?: string | Uint8Array) {
  const hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret);
  return { update: (data: Uint8Array) => void hash.update(data), digest: async () => hash.digest() };
}
