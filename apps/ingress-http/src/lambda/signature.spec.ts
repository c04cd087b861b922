import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { checkSignature, claimOf } from './signature.js';

const NOW = Date.UTC(2030, 0, 31, 12, 0, 0);
const KEYS = new Map([['AKIAMESH', 'secret/key+of=some-length']]);

/** What is signed beside host and date, as sent: [name, value, …]; and what is not as usual. */
interface Change {
  readonly date?: string;
  readonly service?: string;
  readonly skip?: readonly string[];
  readonly more?: readonly string[];
  /** Name → what the signature says of it. */
  readonly signs?: Readonly<Record<string, string>>;
  readonly hash?: string;
}

/** A request of its own making, by the book: "Create a signed AWS API request". Not by the library that checks. */
function signed(body = '{"a":1}', change: Change = {}) {
  const { date = '20300131T120000Z', service = 'lambda', skip = [], more = [], signs = {} } = change;
  const { hash = createHash('sha256').update(body).digest('hex') } = change;
  const url = '/2015-03-31/functions/users%2Ffind/invocations?Qualifier=%24LATEST';
  const rawHeaders = ['Host', '127.0.0.1:8080', 'X-Amz-Date', date];
  rawHeaders.push('X-Amz-Invocation-Type', 'RequestResponse', ...more);
  const headers = headersOf(rawHeaders);
  const stated = { ...headers, ...signs };
  const names = Object.keys(stated)
    .filter((name) => !skip.includes(name))
    .sort();
  const canonical = [
    'POST',
    '/2015-03-31/functions/users%252Ffind/invocations',
    'Qualifier=%24LATEST',
    ...names.map((name) => `${name}:${stated[name]}`),
    '',
    names.join(';'),
    hash,
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
  const authorization = `AWS4-HMAC-SHA256 Credential=AKIAMESH/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  rawHeaders.push('Authorization', authorization);
  return { method: 'POST', url, headers: { ...headers, authorization }, rawHeaders, body: Buffer.from(body) };
}

/** As Node makes them of what was sent: repeated ones are joined. */
function headersOf(rawHeaders: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() as string;
    headers[name] =
      headers[name] === undefined ? (rawHeaders[i + 1] as string) : `${headers[name]}, ${rawHeaders[i + 1]}`;
  }
  return headers;
}

type Signed = Omit<ReturnType<typeof signed>, 'headers'> & { headers: Record<string, string | undefined> };
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
  return asSent({ ...request, ...more, headers: Object.fromEntries(all) as Record<string, string> });
}
const asSent = (request: Omit<Signed, 'rawHeaders'>): Signed => ({
  ...request,
  rawHeaders: Object.entries(request.headers as Record<string, string>).flat(),
});
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
    expect(await verdict(asSent({ method, url, body, headers: made.headers }))).toBe('fine');
  });

  it.each<[string, string[], Record<string, string>]>([
    ['a date of HTTP', ['Date', 'Thu, 31 Jan 2030 12:00:00 GMT'], {}],
    ['what a proxy could change', ['User-Agent', 'x', 'Connection', 'close', 'Expect', '100-continue'], {}],
    ['spaces', ['X-Amz-Meta', 'a   b'], { 'x-amz-meta': 'a b' }],
    ['a comma of its own', ['X-Amz-Meta', 'a, b'], {}],
    ['a repeated name', ['X-Amz-Meta', 'a', 'x-amz-meta', 'b'], { 'x-amz-meta': 'a,b' }],
    ['UTF-8', ['X-Amz-Meta', Buffer.from('grüß').toString('latin1')], { 'x-amz-meta': 'grüß' }],
    ['nothing', ['X-Amz-Meta', ''], {}],
  ])('of headers with %s is fine', async (_, more, signs) => {
    expect(await verdict(signed('{}', { more, signs }))).toBe('fine');
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
      'a header that is signed and was not sent',
      signed('{}', { signs: { 'x-amz-meta': '' } }),
      'InvalidSignatureException',
    ],
    [
      'a hash that is not signed',
      changed({ headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }),
      'InvalidSignatureException',
    ],
    [
      'another hash than it states',
      signed('{}', { more: ['X-Amz-Content-Sha256', 'UNSIGNED-PAYLOAD'] }),
      'InvalidSignatureException',
    ],
    [
      'a payload that is not signed',
      signed('{}', { more: ['X-Amz-Content-Sha256', 'UNSIGNED-PAYLOAD'], hash: 'UNSIGNED-PAYLOAD' }),
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
