import type { IClientPublishOptions } from 'mqtt';
import { type ControlPath, type MeshError, PROBLEM_JSON, problemOf, type ResultEnvelope } from '#contracts';
import type { CallReply, IncomingResult, ResultIntake } from '#fabric';
import type { Complaints } from '#lifecycle';
import { aboutMessage } from './about-message.js';
import type { Incoming } from './incoming.js';
import type { MqttMetrics } from './mqtt-metrics.js';
import type { Address, ReplyTokens } from './reply-tokens.js';
import { topicFault } from './topic-filter.js';

export interface AnswerParts {
  /** MESH_MQTT_REPLY_TOPIC */
  readonly pattern: string | undefined;
  readonly tokens: ReplyTokens;
  readonly intake: Pick<ResultIntake, 'subjectOf'>;
  /** Whether a message on this topic would come back here. */
  readonly isSubscribed: (topic: string) => boolean;
  /** Rejects when there is no broker. */
  readonly publish: (topic: string, payload: Buffer, options: IClientPublishOptions) => Promise<void>;
  readonly metrics: MqttMetrics;
  readonly complaints: Complaints;
}

/** Unacknowledged by the broker at once; the fewest that any broker in use takes. */
const MOST_ON_THE_WAY = 20;
/** Beyond that an answer is dropped: it is best effort, and what waits takes memory. */
const MOST_WAITING = 10_000;

/**
 * The way back: where a message wants its answer, and the answer on its way there, best effort.
 *
 * Invariant: nothing is published on a topic that is subscribed here, or it would be an event again, and so on for ever.
 */
export class Answers {
  #onTheWay = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly parts: AnswerParts) {}

  /** Where a message wants its answer; `undefined` where it wants none, or cannot have one there. */
  addressOf(message: Incoming, path: ControlPath): Address | undefined {
    const { responseTopic, correlationData: correlation } = message.properties ?? {};
    const topic = responseTopic ?? this.#fromPattern(message.topic, path);
    if (topic === undefined) return undefined;
    const qos = message.qos === 0 ? 0 : 1;
    const address = { topic, qos, ...(correlation === undefined ? {} : { correlation }) } as const;
    return this.#isRefused(address) ? undefined : address;
  }

  /** The subject on which a result comes back here, or to another replica. */
  subjectOf(address: Address): string | undefined {
    const subject = this.parts.intake.subjectOf(this.parts.tokens.seal(address));
    if (subject === undefined)
      this.#complain('too long', 'its response topic and correlation data are too long', address);
    return subject;
  }

  /** A result of work. */
  async take({ token, result, body }: IncomingResult): Promise<void> {
    const address = this.parts.tokens.open(token);
    // Routes may have changed since the message came.
    if (address && !this.#isRefused(address)) await this.send(address, { result, body });
  }

  /** Never rejects: an answer is best effort. */
  async send(address: Address, { result, body }: CallReply): Promise<void> {
    if (this.#waiting.length >= MOST_WAITING)
      return this.#complain('too many', 'too many answers are waiting', address);
    await this.#turn();
    try {
      await this.parts.publish(address.topic, Buffer.from(body), optionsOf(address, result));
      this.parts.metrics.answer('sent');
    } catch (error) {
      this.#complain('not published', (error as Error).message, address);
    } finally {
      this.#done();
    }
  }

  /** Answers with an error of the mesh. */
  refuse(address: Address, fault: MeshError, id: string): Promise<void> {
    const result = { id, outcome: fault.code, status: fault.status, contentType: PROBLEM_JSON };
    return this.send(address, { result, body: Buffer.from(JSON.stringify(problemOf(fault, id))) });
  }

  #fromPattern(topic: string, path: ControlPath): string | undefined {
    // In one go: a topic may hold "{path}" itself.
    return this.parts.pattern?.replace(/\{(topic|path)\}/g, (_, name) => (name === 'topic' ? topic : path));
  }

  #isRefused(address: Address): boolean {
    const loop = this.parts.isSubscribed(address.topic) ? 'it is subscribed here' : undefined;
    const fault = topicFault(address.topic) ?? loop;
    if (fault !== undefined) this.#complain(fault, `its response topic cannot be used: ${fault}`, address);
    return fault !== undefined;
  }

  async #turn(): Promise<void> {
    if (this.#onTheWay < MOST_ON_THE_WAY) this.#onTheWay++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The place goes to who waits longest. */
  #done(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#onTheWay--;
  }

  #complain(kind: string, why: string, address: Address): void {
    this.parts.metrics.answer('dropped');
    this.parts.complaints.warn(`answer: ${kind}`, `A message gets no answer: ${why}.`, aboutMessage(address));
  }
}

/** CloudEvents has nothing for answers: what HTTP says in its status line and headers stands in user properties. */
function optionsOf({ qos, correlation }: Address, result: ResultEnvelope): IClientPublishOptions {
  const { id, status, version, outcome, contentType } = result;
  return {
    qos,
    properties: {
      ...(correlation === undefined ? {} : { correlationData: Buffer.from(correlation) }),
      ...(contentType === undefined ? {} : { contentType }),
      userProperties: {
        'mesh-status': String(status),
        'mesh-id': id,
        ...(version === undefined ? {} : { 'mesh-version': version }),
        ...(outcome === 'ok' ? {} : { 'mesh-error': outcome }),
      },
    },
  };
}
