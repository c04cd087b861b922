import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { NatsConnection } from '@nats-io/transport-node';
import pg from 'pg';
import type { Run } from './ledger.ts';
import { reconnecting } from './sources/nats.ts';
import { sqsClient } from './sources/sqs.ts';
import type { World } from './world.ts';

const TABLE = `CREATE TABLE IF NOT EXISTS handled (
  seq bigserial, run uuid PRIMARY KEY, id text NOT NULL, mesh_id text NOT NULL, source text NOT NULL,
  attempt int NOT NULL, pid int NOT NULL, at bigint NOT NULL);
  CREATE INDEX IF NOT EXISTS handled_seq ON handled (seq)`;
/** Rows are numbered before they are committed: what lies so close behind the last one is read again. */
const OVERLAP = 5_000;

/** What lies in a stream, in its consumers, or in a queue. */
export interface Backlog {
  readonly name: string;
  readonly waiting: number;
  /** Handed out and not acknowledged. */
  readonly inHand: number;
  /** Counted as movement: places, deliveries. */
  readonly detail: string;
}

/** What a harness can find out without asking the mesh: rows, dead letters, streams and queues. */
export class Found {
  readonly runs = new Map<string, Run[]>();
  readonly dead = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #world: World;
  readonly #sqs: SQSClient;
  #nats: NatsConnection | undefined;
  #postgres: pg.Client | undefined;
  #lastRow = 0;
  #lastDead = 0;

  constructor(world: World) {
    this.#world = world;
    this.#sqs = sqsClient(world.servers.aws);
  }

  async open(): Promise<void> {
    this.#nats = await reconnecting(this.#world.servers.nats, 'registry');
    await this.#query(TABLE);
  }

  async close(): Promise<void> {
    await this.#nats?.close();
    await this.#postgres?.end().catch(() => undefined);
    this.#sqs.destroy();
  }

  /** Reads what is new. @throws while a server is away */
  async look(): Promise<void> {
    await this.#readRows(this.#lastRow - OVERLAP);
    await this.#readDeadStream();
    for (const queue of this.#world.services.queues.dead) await this.#readDeadQueue(queue);
  }

  /** Reads every row again, whatever order they were committed in. */
  async lookAtAll(): Promise<void> {
    await this.#readRows(0);
    for (const list of this.runs.values()) list.sort((a, b) => a.at - b.at);
  }

  async backlogs(): Promise<Backlog[]> {
    const { standard, fifo } = this.#world.services.queues;
    const queues = [this.#queue('sqs', standard), this.#queue('fifo', fifo)];
    const streams = [this.#stream('WORK'), this.#stream('CALLBACKS')];
    return (await Promise.all([...streams, ...queues])).flat();
  }

  /** Takes one row away, as a mesh would that loses an event. @returns its id */
  async loseOne(): Promise<string> {
    const sql =
      'DELETE FROM handled WHERE id = (SELECT id FROM handled WHERE id NOT LIKE $1 LIMIT 1) RETURNING id';
    const { rows } = await this.#query<{ id: string }>(sql, ['probe-%']);
    const id = rows[0]?.id ?? 'nothing';
    this.runs.delete(id);
    return id;
  }

  async #query<T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<pg.QueryResult<T>> {
    try {
      this.#postgres ??= await openPostgres(this.#world.servers.chaosDatabase);
      return await this.#postgres.query<T>(sql, values);
    } catch (error) {
      void this.#postgres?.end().catch(() => undefined);
      this.#postgres = undefined;
      throw error;
    }
  }

  async #readRows(after: number): Promise<void> {
    const sql = 'SELECT seq, run, id, attempt, pid, at FROM handled WHERE seq > $1 ORDER BY seq';
    const { rows } = await this.#query<Record<'seq' | 'run' | 'id' | 'attempt' | 'pid' | 'at', string>>(sql, [
      after,
    ]);
    for (const row of rows) {
      this.#lastRow = Math.max(this.#lastRow, Number(row.seq));
      if (this.#seen.has(row.run)) continue;
      this.#seen.add(row.run);
      const run = { id: row.id, at: Number(row.at), attempt: Number(row.attempt), pid: Number(row.pid) };
      const list = this.runs.get(row.id);
      if (list) list.push(run);
      else this.runs.set(row.id, [run]);
    }
  }

  async #readDeadStream(): Promise<void> {
    for (;;) {
      const body = { seq: this.#lastDead + 1, next_by_subj: 'mesh.dead.>' };
      const answer = await this.#api<{ message?: { seq: number; data?: string } }>(
        'STREAM.MSG.GET.DEAD',
        body,
      );
      if (!answer?.message) return;
      this.#lastDead = answer.message.seq;
      this.#note(Buffer.from(answer.message.data ?? '', 'base64').toString());
    }
  }

  async #readDeadQueue(url: string): Promise<void> {
    for (;;) {
      const { Messages = [] } = await this.#sqs.send(
        new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 0 }),
      );
      if (Messages.length === 0) return;
      for (const { Body = '' } of Messages) this.#note(Body);
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await this.#sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }));
    }
  }

  #note(body: string): void {
    try {
      this.dead.add((JSON.parse(body) as { id: string }).id);
    } catch {
      this.dead.add(`unreadable: ${body.slice(0, 80)}`);
    }
  }

  async #queue(name: string, url: string): Promise<Backlog> {
    const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
    const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...names] });
    const { Attributes = {} } = await this.#sqs.send(command);
    const [waiting, inHand] = names.map((one) => Number(Attributes[one] ?? 0)) as [number, number];
    return { name: `queue ${name}`, waiting, inHand, detail: '' };
  }

  async #stream(name: string): Promise<Backlog[]> {
    const info = await this.#api<{ state: { messages: number; first_seq: number } }>(
      `STREAM.INFO.${name}`,
      {},
    );
    if (!info) return [];
    const list = await this.#api<{ consumers?: ConsumerInfo[] }>(`CONSUMER.LIST.${name}`, {});
    const consumers = (list?.consumers ?? []).map(
      ({
        name: who,
        num_pending: pending,
        num_ack_pending: inHand,
        num_redelivered: again,
        num_waiting: pulls,
      }) => `${who}: ${pending} not delivered, ${inHand} in hand, ${again} delivered again, ${pulls} pulls`,
    );
    const inHand = (list?.consumers ?? []).reduce((sum, { num_ack_pending }) => sum + num_ack_pending, 0);
    const { messages, first_seq } = info.state;
    return [
      {
        name: `stream ${name}`,
        waiting: messages,
        inHand,
        detail: [`first ${first_seq}`, ...consumers].join('; '),
      },
    ];
  }

  /** @returns undefined where there is no such stream or message */
  async #api<T>(subject: string, body: object): Promise<T | undefined> {
    const reply = await this.#nats?.request(`$JS.API.${subject}`, JSON.stringify(body), { timeout: 3_000 });
    const answer = reply?.json<T & { error?: { code: number; description: string } }>();
    if (answer?.error && answer.error.code !== 404) throw new Error(answer.error.description);
    return answer?.error ? undefined : answer;
  }
}

interface ConsumerInfo {
  readonly name: string;
  readonly num_pending: number;
  readonly num_ack_pending: number;
  readonly num_redelivered: number;
  readonly num_waiting: number;
}

async function openPostgres(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2_000, query_timeout: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
