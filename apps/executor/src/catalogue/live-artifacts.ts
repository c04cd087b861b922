import type { ControlPath, Route } from '#contracts';

/** Which artifacts the routes name now. Two paths may name the same one. */
export class LiveArtifacts {
  /** The routes themselves, which are in memory anyway. */
  readonly #routes = new Map<ControlPath, Route>();
  /** How many live versions, over all paths, have each digest. */
  readonly #counts = new Map<string, number>();

  has(digest: string): boolean {
    return this.#counts.has(digest);
  }

  /** A path has this route now, or none. */
  set(path: ControlPath, route: Route | undefined): void {
    const before = this.#routes.get(path);
    for (const { digest } of route?.versions ?? []) this.#count(digest, 1);
    for (const { digest } of before?.versions ?? []) this.#count(digest, -1);
    if (route) this.#routes.set(path, route);
    else this.#routes.delete(path);
  }

  #count(digest: string, by: number): void {
    const count = (this.#counts.get(digest) ?? 0) + by;
    if (count > 0) this.#counts.set(digest, count);
    else this.#counts.delete(digest);
  }
}
