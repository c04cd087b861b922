import {
  type ControlPath,
  callbackSubject,
  DEFAULT_POOL,
  decodeAsyncState,
  decodeHeaders,
  decodeWork,
  encodeDone,
  encodeHeaders,
  encodeResult,
  type HeaderMap,
  pathOfSubject,
  poolConsumer,
  RESULTS_BUCKET,
  type ResultEnvelope,
  WORK_STREAM,
  type WorkRouting,
} from '#contracts';
import {
  createStreamWriter,
  ensureStreams,
  type Keep,
  openKeep,
  openWorkConsumers,
  openWorkPuller,
  STREAM_DEFAULTS,
  type StreamOptions,
  type WorkItem,
} from '#fabric';
import { later } from './fixtures/later.js';
import { type Catalogue, connectAs } from './fixtures/mesh.js';

/* What asynchronous HTTP stands on: streams as the registry makes them, and somebody who does the work. */

export async function streams(of: Catalogue, options: Partial<StreamOptions> = {}): Promise<Keep> {
  const connection = await connectAs(of.nats, 'registry');
  await ensureStreams(connection, { ...STREAM_DEFAULTS, ...options });
  const consumers = await openWorkConsumers(connection);
  await consumers.put({ name: poolConsumer(DEFAULT_POOL), filters: ['mesh.work.>'], ordered: false });
  return openKeep(connection, RESULTS_BUCKET);
}

/** Work as it came. */
export interface SeenWork {
  readonly path: ControlPath;
  readonly work: WorkRouting;
  readonly headers: HeaderMap;
  readonly body: string;
  /** ms since 1970 */
  readonly at: number;
}

export type Answer = Partial<ResultEnvelope> & { readonly text?: string };

/** Takes work from the stream as an executor does, and ends it as it is told. For servers without login. */
export class Worker {
  readonly seen: SeenWork[] = [];
  readonly #running = new Set<Promise<void>>();

  private constructor(private readonly answer: (work: SeenWork) => Answer | Promise<Answer>) {}

  static async on(of: Catalogue, answer: (work: SeenWork) => Answer | Promise<Answer> = () => ({})) {
    const connection = await connectAs(of.nats, 'executor');
    const worker = new Worker(answer);
    const keep = openKeep(connection, RESULTS_BUCKET);
    const writer = createStreamWriter(connection);
    const puller = openWorkPuller(connection, {
      stream: WORK_STREAM,
      consumer: poolConsumer(DEFAULT_POOL),
      batch: 10,
      onItem: (item) => {
        puller.pull(1);
        const run = worker.#run(item, keep, writer).finally(() => worker.#running.delete(run));
        worker.#running.add(run);
      },
    });
    later(async () => {
      await puller.stop();
      await Promise.all(worker.#running);
    });
    puller.pull(100);
    return worker;
  }

  async #run(item: WorkItem, keep: Keep, writer: ReturnType<typeof createStreamWriter>): Promise<void> {
    const headers = decodeHeaders(item.headers ?? new Uint8Array());
    const work = decodeWork(headers, () => 'none');
    const kept = await keep.get(work.id);
    const state = kept && decodeAsyncState(kept.headers);
    if (state?.state !== 'waiting') return item.done();
    const seen = {
      path: pathOfSubject(item.subject),
      work,
      headers,
      body: Buffer.from(item.body).toString(),
      at: Date.now(),
    };
    this.seen.push(seen);
    const { text = '', ...answer } = await this.answer(seen);
    const result: ResultEnvelope = { id: work.id, outcome: 'ok', status: 200, ...answer };
    await this.#keep(keep, result, Buffer.from(text));
    if (work.callback !== undefined) {
      const block = {
        ...decodeHeaders(encodeResult(result)),
        'mesh-callback': headers['mesh-callback'] ?? '',
      };
      await writer.write(callbackSubject(work.id), encodeHeaders(block), Buffer.from(text));
    }
    await item.done();
  }

  async #keep(keep: Keep, result: ResultEnvelope, body: Uint8Array): Promise<void> {
    for (;;) {
      const kept = await keep.get(result.id);
      const state = kept && decodeAsyncState(kept.headers);
      if (state?.state !== 'waiting') return;
      const headers = encodeDone(state.call, result, 1, Date.now());
      if ((await keep.replace(result.id, kept?.revision ?? 0, headers, body)) !== undefined) return;
    }
  }
}
