import { createHash, createHmac, type Hash, type Hmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Credentials } from './credentials.js';
import { ServiceError } from './service-error.js';

/*
 * Signature Version 4 (AWS General Reference, "Signature Version 4 signing process"), checked by signing the request
 * again with AWS's own library: canonical forms are where home-made checks go wrong. Headers alone are put into their
 * form here, from what was received: what a client signs is not what the library would sign, and Node's own list has
 * repeated ones joined otherwise.
 */

const ALGORITHM = 'AWS4-HMAC-SHA256';
const SERVICE = 'lambda';
/** How far a caller's clock may be off, ms; and so for how long a request can be sent again by who overheard it. */
export const MAX_SKEW_MS = 5 * 60_000;
/** What a signature must cover, beside every `x-amz-*` header that is there. */
const ALWAYS_SIGNED = ['host', 'x-amz-date'];
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256\s+Credential=([^/,\s]{1,128})\/(\d{8})\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request\s*,\s*SignedHeaders=([a-z0-9;_-]{1,2048})\s*,\s*Signature=([0-9a-f]{64})$/;
const TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** What a request says of its signature; not believed yet. */
export interface Claim {
  readonly keyId: string;
  readonly secret: string;
  readonly region: string;
  /** Those that are signed, in their canonical form. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signature: string;
  readonly date: Date;
}

/**
 * Reads what is claimed and refuses what needs no look at the body: nobody sends 6 MB for an answer of 403.
 * @param now ms since 1970
 * @throws ServiceError in the names that SDKs know
 */
export function claimOf(
  { headers, rawHeaders }: Pick<IncomingMessage, 'headers' | 'rawHeaders'>,
  credentials: Credentials,
  now: number,
): Claim {
  const { authorization } = headers;
  if (authorization === undefined)
    throw new ServiceError('MissingAuthenticationTokenException', 'The request is not signed.');
  const [, keyId, day, region, service, signed, signature] = (AUTHORIZATION.exec(authorization) ??
    []) as string[];
  if (keyId === undefined || signed === undefined || region === undefined || signature === undefined)
    throw new ServiceError('IncompleteSignatureException', `Authorization is not of ${ALGORITHM}'s form.`);
  const date = dateOf(headers['x-amz-date'] as string | undefined);
  if (service !== SERVICE || !headers['x-amz-date']?.toString().startsWith(day as string))
    throw invalid(`The credential's scope is its day, a region and the service ${SERVICE}.`);
  if (Math.abs(now - date.getTime()) > MAX_SKEW_MS)
    throw invalid('Signature expired, or its time has not come: more than 5 minutes from this clock.');
  const signedHeaders = new Set(signed.split(';'));
  const missing = [
    ...ALWAYS_SIGNED,
    ...Object.keys(headers).filter((name) => name.startsWith('x-amz-')),
  ].find((name) => !signedHeaders.has(name));
  if (missing !== undefined) throw invalid(`The header ${missing} is not signed.`);
  const secret = credentials.get(keyId);
  if (secret === undefined)
    throw new ServiceError('UnrecognizedClientException', 'The access key is not known here.');
  return { keyId, secret, region, headers: canonical(signedHeaders, rawHeaders), signature, date };
}

/**
 * Values as they were sent, in UTF-8, one after the other where a name is repeated.
 * @param rawHeaders name, value, name, value, …
 * @throws ServiceError where a signed one was not sent
 */
function canonical(names: ReadonlySet<string>, rawHeaders: readonly string[]): Record<string, string> {
  const found: Record<string, string> = Object.create(null);
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase();
    if (!names.has(name)) continue;
    const sent = Buffer.from(rawHeaders[i + 1] as string, 'latin1').toString();
    // Space around it is gone by now.
    const value = sent.replace(/[ \t]+/g, ' ');
    found[name] = found[name] === undefined ? value : `${found[name]},${value}`;
  }
  for (const name of names)
    if (found[name] === undefined) throw invalid(`The header ${name} is signed, and was not sent.`);
  return found;
}

function dateOf(text: string | undefined): Date {
  const iso = TIME.test(text ?? '') ? (text as string).replace(TIME, '$1-$2-$3T$4:$5:$6Z') : '';
  const date = new Date(iso);
  if (Number.isNaN(date.getTime()))
    throw new ServiceError('IncompleteSignatureException', 'X-Amz-Date must be like 20300131T120000Z.');
  return date;
}

/** @throws ServiceError `InvalidSignatureException` unless the request and its body are what was signed */
export async function checkSignature(
  claim: Claim,
  request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  body: Uint8Array,
): Promise<void> {
  const stated = request.headers['x-amz-content-sha256'];
  // A signature may cover a statement that is not true.
  if (stated !== undefined && stated !== createHash('sha256').update(body).digest('hex'))
    throw invalid('X-Amz-Content-Sha256 is not the hash of the body.');
  const expected = await signatureOf(claim, request, body);
  if (!timingSafeEqual(Buffer.from(expected), Buffer.from(claim.signature)))
    throw invalid('The signature is not that of this request. Check the secret access key.');
}

async function signatureOf(
  { keyId, secret, region, headers, date }: Claim,
  { method, url }: Pick<IncomingMessage, 'method' | 'url'>,
  body: Uint8Array,
): Promise<string> {
  const [path = '/', query = ''] = (url as string).split(/\?(.*)/s);
  const request = new HttpRequest({ method: method as string, path, query: queryOf(query), body });
  const credentials = { accessKeyId: keyId, secretAccessKey: secret };
  const signer = new SignerOf(headers, {
    credentials,
    region,
    service: SERVICE,
    sha256: Sha256,
    applyChecksum: false,
  });
  const { headers: own } = await signer.sign(request, { signingDate: date });
  return own.authorization?.slice(-64) ?? '';
}

/** Signs these headers, whatever the request has. */
class SignerOf extends SignatureV4 {
  constructor(
    private readonly headers: Readonly<Record<string, string>>,
    options: ConstructorParameters<typeof SignatureV4>[0],
  ) {
    super(options);
  }
  protected override createCanonicalRequest(
    request: HttpRequest,
    _: Record<string, string>,
    payloadHash: string,
  ): string {
    return super.createCanonicalRequest(request, this.headers, payloadHash);
  }
}

function queryOf(text: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    const before = query[name];
    query[name] = before === undefined ? value : [before, value].flat();
  }
  return query;
}

const invalid = (why: string) => new ServiceError('InvalidSignatureException', why);

type Bytes = string | ArrayBuffer | ArrayBufferView;
const bytesOf = (data: Bytes): string | Uint8Array => {
  if (typeof data === 'string') return data;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
};

/** The hash that the library asks for: plain, or keyed where it is given a secret. */
class Sha256 {
  #hash: Hash | Hmac;
  constructor(private readonly secret?: Bytes) {
    this.#hash = this.#start();
  }
  update(data: Bytes): void {
    this.#hash.update(bytesOf(data));
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {
    this.#hash = this.#start();
  }
  #start(): Hash | Hmac {
    return this.secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(this.secret));
  }
}
