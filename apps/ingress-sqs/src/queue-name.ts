/** A queue as a trigger may name it: `orders`, its ARN, or its URL. */
export interface QueueName {
  readonly name: string;
  /** The account that owns it; absent: the service's own. */
  readonly account?: string;
  /** Absent: the service's own. */
  readonly region?: string;
  /** Where a URL was given, that. */
  readonly url?: string;
}

// Amazon SQS Developer Guide, "Quotas related to queues": 80 characters, a FIFO queue's `.fifo` among them.
const NAME = /^[A-Za-z0-9_-]{1,80}(\.fifo)?$/;
const ARN = /^arn:[a-z0-9-]+:sqs:([a-z0-9-]+):(\d{12}):([A-Za-z0-9_-]{1,80}(?:\.fifo)?)$/;
/** `sqs.<region>.amazonaws.com`, also with a suffix such as `.cn`; older queues: `<region>.queue.amazonaws.com`. */
const AWS_HOST = /^(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com(\.|$)/;

/** `undefined` when the text is none of the three. */
export function readQueueName(text: string): QueueName | undefined {
  if (NAME.test(text)) return { name: text };
  const [, region, account, name] = ARN.exec(text) ?? [];
  if (region !== undefined && account !== undefined && name !== undefined) return { name, account, region };
  return URL.canParse(text) ? readQueueUrl(text) : undefined;
}

/** A queue's URL ends in `/<account>/<name>`. */
export function readQueueUrl(url: string): QueueName | undefined {
  const { protocol, hostname, pathname } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return undefined;
  const [name = '', account] = pathname.split('/').reverse();
  if (!NAME.test(name)) return undefined;
  const [, region, legacyRegion] = AWS_HOST.exec(hostname) ?? [];
  const place = region ?? legacyRegion;
  return { name, url, ...(account ? { account } : {}), ...(place ? { region: place } : {}) };
}

/** Whether both may be one queue: what only one of them states is taken to be right. */
export function isSameQueue(a: QueueName, b: QueueName): boolean {
  const agree = (x: string | undefined, y: string | undefined) =>
    x === undefined || y === undefined || x === y;
  if (a.url !== undefined && b.url !== undefined) return a.url === b.url;
  return a.name === b.name && agree(a.account, b.account) && agree(a.region, b.region);
}
