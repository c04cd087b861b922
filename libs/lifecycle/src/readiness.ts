/** Named checks of one service; it is ready when all hold. A check must be instant: it reads a flag. */
export class Readiness {
  readonly #checks = new Map<string, () => boolean>();
  #stopping = false;

  check(name: string, holds: () => boolean): this {
    this.#checks.set(name, holds);
    return this;
  }

  /** From now on not ready, so that a load balancer sends no more. */
  stopping(): void {
    this.#stopping = true;
  }

  get ready(): boolean {
    return !this.#stopping && [...this.#checks.values()].every((holds) => holds());
  }

  /** `{ nats: true, routes: false }` */
  report(): Record<string, boolean> {
    const report = Object.fromEntries([...this.#checks].map(([name, holds]) => [name, holds()]));
    return this.#stopping ? { ...report, stopping: true } : report;
  }
}
