import type { DataSource } from 'typeorm';
import { type ControlPath, MeshError } from '#contracts';
import { ArtifactNames } from './artifact-names.js';
import { Audit } from './audit/audit.js';
import { Database } from './database.js';
import { ReportRow, VersionRow } from './entities.js';
import { Invocations } from './invocations/invocations.js';
import { type LiveQuery, liveHandlers } from './live.js';
import { sqlState } from './outage.js';
import { publish } from './publishing.js';
import { reportRecord } from './records.js';
import { RouteChanges } from './route-changes.js';
import { RouteOutbox } from './route-outbox.js';
import { TokenStore } from './token-store.js';
import type { HandlerRecord, ListedVersion, Publication, Published, ReportRecord } from './values.js';
import { listedVersion, listVersions } from './versions.js';

/** A report older than this is of an executor that is long gone. */
const REPORT_DAYS = 1;

/**
 * Everything the registry knows, as plain values; what is behind it (TypeORM, Postgres) stays in this folder.
 * Every method throws MeshError `catalogue-unavailable` while Postgres is away, and works again when it is back.
 */
export class Catalogue {
  readonly #database: Database;
  readonly artifacts: ArtifactNames;
  readonly changes: RouteChanges;
  readonly outbox: RouteOutbox;
  readonly tokens: TokenStore;
  readonly audit: Audit;
  readonly invocations: Invocations;

  constructor(source: DataSource) {
    this.#database = new Database(source);
    this.artifacts = new ArtifactNames(this.#database);
    this.changes = new RouteChanges(this.#database);
    this.outbox = new RouteOutbox(this.#database);
    this.tokens = new TokenStore(this.#database);
    this.audit = new Audit(this.#database);
    this.invocations = new Invocations(this.#database);
  }

  /** What the last statement or heartbeat met. */
  get reachable(): boolean {
    return this.#database.reachable;
  }

  /** Called after each change that was committed. */
  onChange(listener: () => void): void {
    this.#database.onCommit(listener);
  }

  /** @throws MeshError `conflict`, `bad-artifact`, `revision-mismatch`: see {@link publish} */
  publish(publication: Publication): Promise<Published> {
    return this.#database.transaction(async (manager) => {
      try {
        return await publish(manager, publication);
      } catch (error) {
        throw unstorable(error) ? new MeshError('bad-artifact', NOT_TEXT) : error;
      }
    });
  }

  handlers(query: LiveQuery): Promise<HandlerRecord[]> {
    return this.#database.run((manager) => liveHandlers(manager, query));
  }

  async handler(path: ControlPath): Promise<HandlerRecord | undefined> {
    const [handler] = await this.handlers({ paths: [path] });
    return handler;
  }

  /**
   * By precedence, the newest first; `undefined` when there is no such handler.
   * @param after the version that came last on the page before
   */
  versions(
    path: ControlPath,
    after: string | undefined,
    limit: number,
  ): Promise<ListedVersion[] | undefined> {
    return this.#database.run((manager) => listVersions(manager, path, after, limit));
  }

  version(path: ControlPath, version: string): Promise<ListedVersion | undefined> {
    return this.#database.run((manager) => listedVersion(manager, path, version));
  }

  /** An executor cannot run a version. @throws MeshError `no-version` */
  async reportDegraded(report: Omit<ReportRecord, 'reportedAt'>): Promise<void> {
    await this.#database.run(async (manager) => {
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
    await this.#database.run((manager) => manager.delete(ReportRow, { path, version, executor }));
  }

  reports(path: ControlPath): Promise<ReportRecord[]> {
    return this.#database.run(async (manager) => {
      const rows = await manager.find(ReportRow, {
        where: { path },
        order: { reportedAt: 'DESC' },
        take: 100,
      });
      return rows.map(reportRecord);
    });
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}

const NOT_TEXT =
  'The manifest holds a NUL character or half a surrogate pair, which the catalogue cannot keep.';

/** 22P05 and 22P02: jsonb refuses \u0000 and unpaired surrogates. */
function unstorable(error: unknown): boolean {
  const state = sqlState(error);
  return state === '22P05' || state === '22P02';
}
