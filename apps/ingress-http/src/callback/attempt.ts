import { decodeAttribute, decodeHeaders, decodeResult, isMeshError, type ResultEnvelope } from '#contracts';
import type { WorkItem } from '#fabric';
import type { AllowedTargets, Resolve } from './allowed-targets.js';
import { targetOf } from './resolve.js';
import { verdictOf } from './retry-plan.js';
import { send } from './send.js';
import { signatureOf } from './signature.js';

export interface SendOptions {
  readonly secret: string;
  readonly allowed: AllowedTargets;
  readonly resolve: Resolve;
}

/** A result on its way to a URL. */
export interface Callback {
  readonly url: string;
  readonly result: ResultEnvelope;
  readonly item: WorkItem;
}

/** What one attempt came to. */
export interface Attempt {
  readonly verdict: ReturnType<typeof verdictOf>;
  /** For the caller, who asked for it: no address, no inside. */
  readonly error?: string;
  readonly retryAfter?: string;
}

/** @throws MeshError for what is no callback */
export function readCallback(item: WorkItem): Callback {
  const headers = decodeHeaders(item.headers ?? new Uint8Array(0));
  return { url: decodeAttribute(headers['mesh-callback'] ?? ''), result: decodeResult(headers), item };
}

/** Host and port, for people and for sharing. */
export const hostOf = ({ url }: Callback): string => (URL.canParse(url) ? new URL(url).host : '');

/** Sends it once. Never rejects. */
export async function attempt(callback: Callback, options: SendOptions): Promise<Attempt> {
  try {
    return await sendOnce(callback, options);
  } catch (error) {
    // The list or the name has changed since it was accepted.
    if (isMeshError(error)) return { verdict: 'never', error: error.detail ?? error.message };
    return { verdict: 'again', error: failureText(error) };
  }
}

async function sendOnce(
  { url, result, item: { body } }: Callback,
  { secret, allowed, resolve }: SendOptions,
): Promise<Attempt> {
  const target = await targetOf(url, allowed, resolve);
  const signature = signatureOf(secret, Math.floor(Date.now() / 1_000), body);
  const { status, retryAfter } = await send(target, headersOf(result, signature), body);
  const verdict = verdictOf(status);
  return {
    verdict,
    ...(verdict === 'sent' ? undefined : { error: `The callback answered ${status}.` }),
    ...(retryAfter === undefined ? undefined : { retryAfter }),
  };
}

function headersOf(
  { id, status, outcome, version, contentType }: ResultEnvelope,
  signature: string,
): Record<string, string> {
  return {
    'user-agent': 'lambda-mesh',
    'mesh-id': id,
    'mesh-status': String(status),
    'mesh-outcome': outcome,
    'mesh-signature': signature,
    ...(version === undefined ? undefined : { 'mesh-version': version }),
    ...(contentType === undefined ? undefined : { 'content-type': contentType }),
  };
}

function failureText(error: unknown): string {
  const { name, code } = error as { name?: string; code?: string };
  return name === 'TimeoutError'
    ? 'The callback did not answer in time.'
    : `The callback was not reached (${code ?? name}).`;
}
