import { type ControlPath, isControlPath, type Route } from '#contracts';

/**
 * Live handlers by the names under which callers of Lambda know them. A function's name there has no `/`, so that
 * `users-find` also stands for `users/find`, as long as no other handler could be meant.
 */
export class Functions {
  readonly #routes = new Map<ControlPath, Route>();
  /** Paths that have a `/`, by their name without one. */
  readonly #dashed = new Map<string, Set<ControlPath>>();

  update(path: ControlPath, route: Route | undefined): void {
    if (route) this.#routes.set(path, route);
    else this.#routes.delete(path);
    if (path.includes('/')) this.#note(path, route !== undefined);
  }

  find(name: string): Route | undefined {
    const own = isControlPath(name) ? this.#routes.get(name) : undefined;
    if (own) return own;
    const meant = this.#dashed.get(name);
    if (meant?.size !== 1) return undefined;
    const [path] = meant;
    return this.#routes.get(path as ControlPath);
  }

  /** By path. */
  all(): Route[] {
    return [...this.#routes.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  #note(path: ControlPath, isLive: boolean): void {
    const name = path.replaceAll('/', '-');
    const paths = this.#dashed.get(name) ?? new Set();
    if (isLive) paths.add(path);
    else paths.delete(path);
    if (paths.size === 0) this.#dashed.delete(name);
    else this.#dashed.set(name, paths);
  }
}
