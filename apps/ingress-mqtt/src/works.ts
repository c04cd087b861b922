import { asMeshError, type ControlPath, type ErrorCode, encodeWork, MeshError } from '#contracts';
import type { MeshLink, WorkPublisher } from '#fabric';
import { Backoff, type Complaints } from '#lifecycle';
import { aboutMessage } from './about-message.js';
import type { Answers } from './answers.js';
import { fromResult, type Settlement } from './from-result.js';
import type { MqttMetrics } from './mqtt-metrics.js';
import { meshIdOf, type Session, type Taken } from './session.js';
import { toEvent } from './to-event.js';
import type { Match } from './topic-table.js';

/** How long a held message waits before it is tried again, ms. */
const FIRST_WAIT_MS = 200;
const MOST_WAIT_MS = 2_000;

export interface WorkParts {
  readonly link: Pick<MeshLink, 'routes' | 'untilConnected'>;
  readonly publisher: Pick<WorkPublisher, 'publish'>;
  readonly answers: Pick<Answers, 'addressOf' | 'subjectOf'>;
  readonly metrics: MqttMetrics;
  readonly complaints: Complaints;
}

/** A message of QoS 1 or 2 on its way to one of the handlers that want it. */
interface Work {
  readonly path: ControlPath;
  readonly taken: Taken;
  readonly session: Session;
  readonly headers: Uint8Array;
}

/**
 * QoS 1 and 2: the message goes into the stream of work.
 *
 * Invariants: the same message goes in under the same mesh-id however often it is tried; what a handler wants in
 * order is put in one after the other.
 */
export class Works {
  /** The last message of each path that wants them in order. */
  readonly #last = new Map<ControlPath, Promise<Settlement>>();
  #held = 0;

  constructor(private readonly parts: WorkParts) {}

  get held(): number {
    return this.#held;
  }

  /** Resolves when the stream has it, or it is left to the broker. Never rejects. */
  accept(match: Match, taken: Taken, session: Session): Promise<Settlement> {
    const { path } = match;
    const put = () => this.#put(this.#workOf(match, taken, session));
    if (!this.#isOrdered(path)) return put();
    const before = this.#last.get(path) ?? Promise.resolve();
    // One that was left to the broker comes again: what follows must come after it.
    const next = before.then(() => (session.givenUp.aborted ? 'withhold' : put()));
    this.#last.set(path, next);
    void next.then(() => {
      if (this.#last.get(path) === next) this.#last.delete(path);
    });
    return next;
  }

  #isOrdered(path: ControlPath): boolean {
    return this.parts.link.routes.get(path)?.versions.some(({ work }) => work?.ordered) ?? false;
  }

  #workOf({ path, params }: Match, taken: Taken, session: Session): Work {
    const { message } = taken;
    const { answers } = this.parts;
    const acceptedAt = Date.now();
    const expiry = message.properties?.messageExpiryInterval;
    const address = answers.addressOf(message, path);
    const reply = address && answers.subjectOf(address);
    const headers = encodeWork(path, {
      id: meshIdOf(taken, path),
      acceptedAt,
      ...toEvent(message, params),
      ...(expiry === undefined ? {} : { expires: acceptedAt + expiry * 1_000 }),
      ...(reply === undefined ? {} : { reply }),
    });
    return { path, taken, session, headers };
  }

  async #put(work: Work): Promise<Settlement> {
    let backoff: Backoff | undefined;
    for (;;) {
      const fault = await this.#attempt(work);
      const outcome: 'accepted' | ErrorCode = fault?.code ?? 'accepted';
      const settlement = fromResult(outcome);
      this.parts.metrics.work(work.path, outcome);
      if (fault) this.#explain(settlement, fault, work);
      if (settlement === 'acknowledge') return settlement;
      backoff ??= new Backoff(FIRST_WAIT_MS, MOST_WAIT_MS);
      if (!(await this.#hold(work.session.givenUp, backoff))) return settlement;
    }
  }

  /** @returns why the stream did not take it */
  async #attempt({ path, taken, session, headers }: Work): Promise<MeshError | undefined> {
    try {
      if (!session.isOurs())
        throw new MeshError('not-connected', 'The lease on the session is not confirmed.');
      await this.parts.publisher.publish(path, headers, taken.message.payload);
      return undefined;
    } catch (error) {
      return asMeshError(error);
    }
  }

  /** Waits until it is worth trying again; `false` when the connection or the service ends instead. */
  async #hold(givenUp: AbortSignal, backoff: Backoff): Promise<boolean> {
    this.#held++;
    try {
      await this.parts.link.untilConnected(givenUp);
      return await backoff.wait(givenUp);
    } finally {
      this.#held--;
    }
  }

  #explain(settlement: Settlement, { code, message: detail }: MeshError, { path, taken }: Work): void {
    const text =
      settlement === 'withhold'
        ? 'A message is held: the mesh cannot take it now.'
        : 'A message can never be taken; it is dropped.';
    const fields = { ...aboutMessage(taken.message), path, reason: code, detail };
    this.parts.complaints.warn(`work ${code}`, text, fields);
  }
}
