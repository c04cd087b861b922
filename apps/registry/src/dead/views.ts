import { z } from 'zod';
import { isMeshError } from '#contracts';
import type { StockMessage } from '#fabric';
import type { Catalogue } from '../catalogue/catalogue.js';
import type { InvocationView } from '../catalogue/invocations/read.js';
import { invocationView } from '../invocations/invocations.controller.js';
import { mintedAt } from './dead-letters.js';
import { type DeadLetter, letterOf } from './letter.js';

/* What the API shows of a dead letter, and how it is documented. */

export const deadLetterView = z.object({
  seq: z.int().describe('Place in the stream DEAD; another one each time.'),
  id: z.string().describe('The mesh-id of the event; it keeps it when it is replayed.'),
  path: z.string(),
  reason: z
    .string()
    .describe('`failed`: the handler said no; `crashed`, `expired`, or an error code of the mesh.'),
  error: z.string().describe('The last error.'),
  attempts: z.int().describe('How often it was tried.'),
  version: z.string().nullable().describe('The version that ran last; null: none did.'),
  source: z.string().nullable(),
  replay: z.int().describe('How often it had been replayed.'),
  at: z.iso.datetime(),
  size: z.int().describe('Bytes of the body.'),
});
export type DeadLetterView = z.infer<typeof deadLetterView>;

export const deadLetterDetail = deadLetterView.extend({
  headers: z.record(z.string(), z.string()).describe('Of the event, as it was accepted.'),
  encoding: z.enum(['json', 'text', 'base64']).describe('How `body` is to be read.'),
  body: z.unknown(),
  runs: z
    .array(invocationView)
    .nullable()
    .describe('What is on record of the attempts, the first one first; null: the database is away.'),
});
export type DeadLetterDetail = z.infer<typeof deadLetterDetail>;

export function viewLetter(letter: DeadLetter): DeadLetterView {
  const { storedAt: _, version = null, source = null, at, ...rest } = letter;
  return { ...rest, version, source, at: new Date(at).toISOString() };
}

export async function viewDetail(message: StockMessage, catalogue: Catalogue): Promise<DeadLetterDetail> {
  const letter = letterOf(message);
  return {
    ...viewLetter(letter),
    headers: eventHeaders(message),
    ...viewBody(message),
    runs: await runsOf(letter, message, catalogue),
  };
}

const eventHeaders = ({ headers }: StockMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith('nats-') && !name.startsWith('mesh-dead-')),
  );

function viewBody({ headers, body }: StockMessage): Pick<DeadLetterDetail, 'encoding' | 'body'> {
  const type = headers['ce-datacontenttype'] ?? headers['content-type'] ?? '';
  const text = textIn(body);
  if (text === undefined) return { encoding: 'base64', body: Buffer.from(body).toString('base64') };
  if (type === '' || /[/+]json\b/i.test(type)) {
    const json = jsonIn(text);
    if (json !== undefined) return { encoding: 'json', body: json };
  }
  return { encoding: 'text', body: text };
}

/** `undefined` for bytes that are not UTF-8. */
function textIn(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Clocks of two machines differ by no more than this, ms. */
const CLOCKS_MS = 60_000;
/** For an id that does not say when it was minted: attempts further back are not looked for, ms. */
const FAR_BACK_MS = 86_400_000;

async function runsOf(
  { id, path, storedAt }: DeadLetter,
  { headers }: StockMessage,
  catalogue: Catalogue,
): Promise<InvocationView[] | null> {
  const accepted = mintedAt(id) || Date.parse(headers['ce-time'] ?? '') || storedAt - FAR_BACK_MS;
  try {
    return await catalogue.invocations.ofEvent(id, path, accepted - CLOCKS_MS, storedAt + CLOCKS_MS);
  } catch (error) {
    if (isMeshError(error) && error.code === 'catalogue-unavailable') return null;
    throw error;
  }
}

/** What came of a request for many. */
export const bulkView = z.object({
  matched: z.int().describe('Dead letters that were meant, up to `limit`; all of them for a dry run.'),
  done: z.int().describe('Replayed, or dropped.'),
  refused: z
    .array(z.object({ seq: z.int(), id: z.string(), code: z.string() }))
    .describe('Those that are still there, and why.'),
  next: z.string().nullable().describe('Give it back as `cursor` for those that follow; null: that was all.'),
});
export type BulkView = z.infer<typeof bulkView>;
