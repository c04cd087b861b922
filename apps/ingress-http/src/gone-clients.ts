import type { Socket } from 'node:net';

/**
 * Which events each connection waits for, so that they can be cancelled when it closes. One listener a connection, not
 * one a request: most connections bring many, and hardly any goes away in the middle of one.
 */
export class GoneClients {
  readonly #waiting = new WeakMap<Socket, string[]>();

  /** @param gone told of each event whose client went away before its answer */
  constructor(private readonly gone: (meshId: string) => void) {}

  /** The connection waits for the answer to this event. */
  waits(socket: Socket, meshId: string): void {
    const known = this.#waiting.get(socket);
    if (known) known.push(meshId);
    else this.#follow(socket, [meshId]);
  }

  answered(socket: Socket, meshId: string): void {
    const events = this.#waiting.get(socket);
    const at = events?.indexOf(meshId) ?? -1;
    if (at >= 0) events?.splice(at, 1);
  }

  #follow(socket: Socket, events: string[]): void {
    this.#waiting.set(socket, events);
    socket.once('close', () => {
      for (const meshId of events.splice(0)) this.gone(meshId);
    });
  }
}
