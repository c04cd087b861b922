import type { ControlPath } from '#contracts';
import type { RouteTable } from '#fabric';
import type { LaneLimits } from '../work/fair-slots.js';
import type { Admission, PathRoom } from './admission.js';

const NO_LIMITS: LaneLimits = { concurrency: Number.POSITIVE_INFINITY, everyMs: 0 };

/** The limits of handlers as those see them that take work for them out of the stream. */
export class WorkLimits {
  constructor(
    private readonly routes: Pick<RouteTable, 'get'>,
    private readonly admission: Pick<Admission<never>, 'path'>,
  ) {}

  of(path: ControlPath): LaneLimits {
    const room = this.#room(path);
    return room ? { concurrency: room.concurrency, everyMs: room.rate?.everyMs ?? 0 } : NO_LIMITS;
  }

  /** Takes one of the path's rate, for a run that begins now. */
  claim(path: ControlPath): boolean {
    return this.#room(path)?.rate?.takeForWork() ?? true;
  }

  /** ms until there is one. */
  waitMs(path: ControlPath): number {
    return this.#room(path)?.rate?.waitMs(true) ?? 0;
  }

  /** None for a path without a route: its event ends without a run. */
  #room(path: ControlPath): PathRoom | undefined {
    const route = this.routes.get(path);
    return route && this.admission.path(route);
  }
}
