import { z } from 'zod';
import { isMeshError, parseReference, type Reference, text } from '#contracts';

/** A queue, and which handler its messages are for. */
export interface QueueBinding {
  readonly url: string;
  /** The URL's last part, where that tells it from the others. */
  readonly name: string;
  /** Absent: each message names its handler in the message attribute `path`. */
  readonly handler?: Reference;
  /** Whom a message is for that names no handler, where the queue has none either. */
  readonly fallback?: Reference;
}

/** `queueUrl=users/find,otherQueueUrl`: one queue or more, each once. Two of the same name go by their URLs. */
export const queueList = text
  .list()
  .pipe(z.array(z.string().transform(readBinding)).min(1, 'no queue is named'))
  .superRefine((queues, context) => {
    const urls = queues.map(({ url }) => url);
    const twice = urls.find((url, index) => urls.indexOf(url) !== index);
    if (twice) context.addIssue({ code: 'custom', message: `${twice} is named twice` });
  })
  .transform((queues) =>
    queues.map((queue) =>
      queues.some(({ name, url }) => name === queue.name && url !== queue.url)
        ? { ...queue, name: queue.url }
        : queue,
    ),
  );

function readBinding(entry: string, context: z.RefinementCtx): QueueBinding {
  // The last one, since a URL may hold others.
  const at = entry.lastIndexOf('=');
  const url = at < 0 ? entry : entry.slice(0, at);
  const fault = urlFault(url);
  if (fault) return refuse(context, fault);
  const name = url.slice(url.lastIndexOf('/') + 1);
  try {
    return at < 0 ? { url, name } : { url, name, handler: parseReference(entry.slice(at + 1)) };
  } catch (error) {
    return refuse(context, isMeshError(error) ? (error.detail ?? error.message) : String(error));
  }
}

function urlFault(url: string): string | undefined {
  if (!URL.canParse(url)) return `${JSON.stringify(url)} is not a URL`;
  const { protocol } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return `${url} is not an http(s) URL`;
  return url.endsWith('/') ? `${url} does not end in the name of a queue` : undefined;
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}
