import { CALLBACKS_CONSUMER, CALLBACKS_STREAM, MeshError } from '#contracts';
import { type Connection, type Keep, openWorkPuller } from '#fabric';
import type { Log } from '#lifecycle';
import type { IngressHttpConfig } from '../config.js';
import { AllowedTargets } from './allowed-targets.js';
import { type CallbackEnd, CallbackQueue } from './callback-queue.js';
import { checkTarget, resolveHost } from './resolve.js';

/** Asked for at once. */
const BATCH = 8;

/**
 * Results that go to their callers' own URLs: what is accepted with one is checked, and sent when it is done.
 * States: off (nothing is allowed) | waiting for NATS → sending → stopped.
 */
export class Callbacks {
  readonly #allowed: AllowedTargets;
  #queue: CallbackQueue | undefined;

  constructor(
    private readonly config: IngressHttpConfig,
    private readonly onEnd: (end: CallbackEnd) => void,
    private readonly log: Log,
  ) {
    this.#allowed = new AllowedTargets(config.callbackAllow);
  }

  get #isOn(): boolean {
    return this.config.callbackAllow.length > 0;
  }

  /** @throws MeshError `bad-request` when results may not be sent there */
  async check(url: string): Promise<void> {
    if (!this.#isOn) throw new MeshError('bad-request', 'Callbacks are not enabled here.');
    await checkTarget(url, this.#allowed, resolveHost);
  }

  start({ connection, keep }: { connection: Connection; keep: Keep }): void {
    const { callbackSecret: secret } = this.config;
    if (!this.#isOn || secret === undefined) return;
    this.#queue = new CallbackQueue(
      { secret, allowed: this.#allowed, resolve: resolveHost },
      {
        keep,
        open: (onItem) =>
          openWorkPuller(connection, {
            stream: CALLBACKS_STREAM,
            consumer: CALLBACKS_CONSUMER,
            batch: BATCH,
            onItem,
          }),
      },
      this.onEnd,
      this.log,
    );
  }

  /** Takes no more; resolves when what is being sent has ended. */
  async stop(): Promise<void> {
    await this.#queue?.stop();
  }
}
