import type { CallReply, CallRequest } from '#handler/runtime';
import type { HandlerPort } from './runtime.js';

/** What runs wait for of other handlers, so that it ends when nobody wants theirs any more. */
export class NestedCalls {
  readonly #cancels = new Map<number, Set<() => void>>();

  constructor(private readonly port: Pick<HandlerPort, 'call'>) {}

  /** @param key of the run that calls */
  async call(key: number, path: string, request: CallRequest): Promise<CallReply> {
    let cancel: (() => void) | undefined;
    try {
      return await this.port.call(path, request, (how) => {
        cancel = how;
        this.#of(key).add(how);
      });
    } finally {
      if (cancel) this.#forget(key, cancel);
    }
  }

  /** That run was ended: nobody waits for what it called. */
  cancel(key: number): void {
    const cancels = this.#cancels.get(key);
    this.#cancels.delete(key);
    for (const cancel of cancels ?? []) cancel();
  }

  cancelAll(): void {
    for (const key of [...this.#cancels.keys()]) this.cancel(key);
  }

  #of(key: number): Set<() => void> {
    const known = this.#cancels.get(key) ?? new Set();
    this.#cancels.set(key, known);
    return known;
  }

  #forget(key: number, cancel: () => void): void {
    const cancels = this.#cancels.get(key);
    if (cancels?.delete(cancel) && cancels.size === 0) this.#cancels.delete(key);
  }
}
