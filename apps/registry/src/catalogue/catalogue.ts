import type { DataSource, EntityManager } from 'typeorm';
import { type ControlPath, MeshError } from '#contracts';
import { AuditRow, HandlerRow, ReportRow, VersionRow } from './entities.js';
import { type LiveQuery, liveHandlers } from './live.js';
import { lockRouteWriting } from './locks.js';
import { isOutage, sqlState } from './outage.js';
import { publish } from './publishing.js';
import { auditRecord, reportRecord, versionRecord } from './records.js';
import type {
  AuditRecord,
  HandlerRecord,
  Publication,
  Published,
  ReportRecord,
  VersionRecord,
} from './values.js';

const HEARTBEAT_MS = 2_000;
/** A report older than this is of an executor that is long gone. */
const REPORT_DAYS = 1;

/** Reads routes as they are committed, while no registry writes KV. */
export type ReadRoutes = (query: LiveQuery) => Promise<HandlerRecord[]>;

/**
 * Everything the registry knows, as plain values; what is behind it (TypeORM, Postgres) stays in this folder.
 * Every method throws MeshError `catalogue-unavailable` while Postgres is away, and works again when it is back.
 */
export class Catalogue {
  readonly #source: DataSource;
  readonly #heartbeat: NodeJS.Timeout;
  #reachable = true;
  #beating = false;

  constructor(source: DataSource) {
    this.#source = source;
    this.#heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  /** What the last statement or heartbeat met. */
  get reachable(): boolean {
    return this.#reachable;
  }

  /** @throws MeshError `conflict`, `bad-artifact`: see {@link publish} */
  publish(publication: Publication): Promise<Published> {
    return this.#transaction(async (manager) => {
      try {
        return await publish(manager, publication);
      } catch (error) {
        throw unstorable(error) ? new MeshError('bad-artifact', NOT_TEXT) : error;
      }
    });
  }

  handlers(query: LiveQuery): Promise<HandlerRecord[]> {
    return this.#run((manager) => liveHandlers(manager, query));
  }

  async handler(path: ControlPath): Promise<HandlerRecord | undefined> {
    const [handler] = await this.handlers({ paths: [path] });
    return handler;
  }

  /** Newest first; `undefined` when there is no such handler. */
  versions(
    path: ControlPath,
    before: number | undefined,
    limit: number,
  ): Promise<VersionRecord[] | undefined> {
    return this.#run(async (manager) => {
      if (!(await manager.existsBy(HandlerRow, { path }))) return undefined;
      const select = manager.createQueryBuilder(VersionRow, 'v').where('v.path = :path', { path });
      if (before !== undefined) select.andWhere('v.seq < :before', { before });
      const rows = await select.orderBy('v.seq', 'DESC').limit(limit).getMany();
      return rows.map(versionRecord);
    });
  }

  /** Newest first. */
  auditEntries(before: number | undefined, limit: number): Promise<AuditRecord[]> {
    return this.#run(async (manager) => {
      const select = manager.createQueryBuilder(AuditRow, 'a');
      if (before !== undefined) select.where('a.seq < :before', { before });
      const rows = await select.orderBy('a.seq', 'DESC').limit(limit).getMany();
      return rows.map(auditRecord);
    });
  }

  /** An executor cannot run a version. @throws MeshError `no-version` */
  async reportDegraded(report: Omit<ReportRecord, 'reportedAt'>): Promise<void> {
    await this.#run(async (manager) => {
      const { path, version } = report;
      if (!(await manager.existsBy(VersionRow, { path, version }))) throw new MeshError('no-version');
      await manager.upsert(ReportRow, { detail: null, ...report, reportedAt: new Date() }, [
        'path',
        'version',
        'executor',
      ]);
      await manager.query(`DELETE FROM reports WHERE reported_at < now() - interval '${REPORT_DAYS} day'`);
    });
  }

  /** It can again. */
  async reportOk(path: ControlPath, version: string, executor: string): Promise<void> {
    await this.#run((manager) => manager.delete(ReportRow, { path, version, executor }));
  }

  reports(path: ControlPath): Promise<ReportRecord[]> {
    return this.#run(async (manager) => {
      const rows = await manager.find(ReportRow, {
        where: { path },
        order: { reportedAt: 'DESC' },
        take: 100,
      });
      return rows.map(reportRecord);
    });
  }

  /** Runs `work` while no other registry writes routes; keep it short, others wait. */
  withRoutes<T>(work: (read: ReadRoutes) => Promise<T>): Promise<T> {
    return this.#transaction(async (manager) => {
      await lockRouteWriting(manager);
      return work((query) => liveHandlers(manager, query));
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#source.destroy();
  }

  #transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.#run((manager) => manager.transaction(work));
  }

  async #run<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      const result = await work(this.#source.manager);
      this.#reachable = true;
      return result;
    } catch (error) {
      if (!isOutage(error)) throw error;
      this.#reachable = false;
      throw new MeshError('catalogue-unavailable', undefined, { cause: error });
    }
  }

  /** A frozen server answers nothing and refuses nothing: a heartbeat that outlasts its interval says so. */
  async #beat(): Promise<void> {
    if (this.#beating) {
      this.#reachable = false;
      return;
    }
    this.#beating = true;
    await this.#run((manager) => manager.query('SELECT 1')).catch(() => {});
    this.#beating = false;
  }
}

const NOT_TEXT =
  'The manifest holds a NUL character or half a surrogate pair, which the catalogue cannot keep.';

/** 22P05 and 22P02: jsonb refuses \u0000 and unpaired surrogates. */
function unstorable(error: unknown): boolean {
  const state = sqlState(error);
  return state === '22P05' || state === '22P02';
}
