import type { EntityManager } from 'typeorm';
import type { ControlPath } from '#contracts';
import type { Database } from './database.js';
import { RouteOutboxRow } from './entities.js';
import { type LiveQuery, liveHandlers } from './live.js';
import { lockRouteWriting, tryLockWorkKeeping } from './locks.js';
import type { HandlerRecord } from './values.js';

/** Changes that are carried to KV in one go. */
const BATCH = 500;

/** Reads routes as they are committed. */
export type ReadRoutes = (query: LiveQuery) => Promise<HandlerRecord[]>;

/**
 * The transactional outbox between Postgres and KV. A change notes its path in the same transaction; whoever carries
 * it to KV removes the note afterwards. Stopped in between, it is carried again, as the route is by then: the note
 * says that a path has changed, not how.
 */
export class RouteOutbox {
  constructor(private readonly database: Database) {}

  /** Whether anything waits, without a lock. */
  async isEmpty(): Promise<boolean> {
    return this.database.run(async (manager) => !(await manager.exists(RouteOutboxRow)));
  }

  /**
   * Carries the oldest changes, while no other registry writes routes.
   * @param carry gives back the paths that KV has now
   * @returns whether more may be waiting
   */
  relay(
    carry: (paths: ControlPath[], read: ReadRoutes) => Promise<readonly ControlPath[]>,
  ): Promise<boolean> {
    return this.database.transaction(async (manager) => {
      await lockRouteWriting(manager);
      const rows = await manager.find(RouteOutboxRow, { order: { seq: 'ASC' }, take: BATCH });
      if (rows.length === 0) return false;
      const paths = [...new Set(rows.map(({ path }) => path as ControlPath))];
      const done = new Set<string>(await carry(paths, readerOf(manager)));
      const carried = rows.filter(({ path }) => done.has(path)).map(({ seq }) => seq);
      if (carried.length > 0) await manager.delete(RouteOutboxRow, carried);
      return rows.length === BATCH && carried.length > 0;
    });
  }

  /** Without a lock: what is read may be on its way to KV. */
  read(query: LiveQuery): Promise<HandlerRecord[]> {
    return this.database.run((manager) => liveHandlers(manager, query));
  }

  /** Runs `work` while no other registry writes routes; keep it short, others wait. */
  withRoutes<T>(work: (read: ReadRoutes) => Promise<T>): Promise<T> {
    return this.database.transaction(async (manager) => {
      await lockRouteWriting(manager);
      return work(readerOf(manager));
    });
  }

  /** Runs `work` unless another registry looks after streams and consumers just now. @returns whether it ran */
  keepingWork(work: (read: ReadRoutes) => Promise<void>): Promise<boolean> {
    return this.database.transaction(async (manager) => {
      const isOurs = await tryLockWorkKeeping(manager);
      if (isOurs) await work(readerOf(manager));
      return isOurs;
    });
  }
}

const readerOf =
  (manager: EntityManager): ReadRoutes =>
  (query) =>
    liveHandlers(manager, query);
