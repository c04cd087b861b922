import type { ControlPath, Route } from '#contracts';

/** Which artifacts the routes name now. Two paths may name the same one. */
export class LiveArtifacts {
  readonly #byPath = new Map<ControlPath, ReadonlySet<string>>();
  /** How many paths name each digest. */
  readonly #counts = new Map<string, number>();

  has(digest: string): boolean {
    return this.#counts.has(digest);
  }

  /** A path has this route now, or none. */
  set(path: ControlPath, route: Route | undefined): void {
    const before = this.#byPath.get(path);
    const now = new Set(route?.versions.map(({ digest }) => digest));
    for (const digest of now) this.#count(digest, 1);
    for (const digest of before ?? []) this.#count(digest, -1);
    if (now.size > 0) this.#byPath.set(path, now);
    else this.#byPath.delete(path);
  }

  #count(digest: string, by: number): void {
    const count = (this.#counts.get(digest) ?? 0) + by;
    if (count > 0) this.#counts.set(digest, count);
    else this.#counts.delete(digest);
  }
}
