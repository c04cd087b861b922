import { asMeshError, mintMeshId, type OutcomeCode } from '#contracts';
import type { CallReply, MeshLink } from '#fabric';
import type { Complaints } from '#lifecycle';
import { aboutMessage } from './about-message.js';
import type { Answers } from './answers.js';
import type { Incoming } from './incoming.js';
import type { MqttMetrics } from './mqtt-metrics.js';
import { timeoutOf, toEvent } from './to-event.js';
import type { Match } from './topic-table.js';

export interface CallParts {
  readonly link: Pick<MeshLink, 'invoker' | 'routes'>;
  readonly answers: Pick<Answers, 'addressOf' | 'send' | 'refuse'>;
  readonly metrics: MqttMetrics;
  readonly complaints: Complaints;
}

/** QoS 0: each handler is called once, whatever comes of it; an answer goes to whom the message names. */
export class Calls {
  constructor(private readonly parts: CallParts) {}

  /** Resolves when the call has ended. Never rejects. */
  async run(match: Match, message: Incoming): Promise<void> {
    const { path } = match;
    const address = this.parts.answers.addressOf(message, path);
    const id = mintMeshId();
    try {
      const reply = await this.#call(id, match, message);
      this.#ended(match, message, reply.result.outcome);
      if (address) await this.parts.answers.send(address, reply);
    } catch (error) {
      const fault = asMeshError(error);
      this.#ended(match, message, fault.code, fault.message);
      if (address) await this.parts.answers.refuse(address, fault, id);
    }
  }

  #call(id: string, { path, params }: Match, message: Incoming): Promise<CallReply> {
    const { routes, invoker } = this.parts.link;
    const route = routes.get(path);
    const timeout = route ? { timeout: timeoutOf(route) } : {};
    return invoker.invoke(path, { id, ...timeout, ...toEvent(message, params) }, message.payload);
  }

  #ended({ path }: Match, message: Incoming, outcome: OutcomeCode, detail?: string): void {
    this.parts.metrics.call(path, outcome);
    if (outcome === 'ok') return;
    const fields = { ...aboutMessage(message), path, reason: outcome, ...(detail ? { detail } : {}) };
    this.parts.complaints.warn(`call ${outcome}`, 'A message of QoS 0 did not end well.', fields);
  }
}
