import { hostname } from 'node:os';
import { type CancelCode, cancelSubject, logSubject, mintMeshId, parseReference } from '#contracts';
import type { Invoker } from '#fabric';
import { type CallReply, type CallRequest, collect, type LogLevel, type Outcome } from '#handler/runtime';
import type { Log, RegistryRpc } from '#lifecycle';
import type { LogTails } from './log-tails.js';
import type { HandlerPort, HandlerSpec } from './runtime/runtime.js';

/** The largest answer that is put together here of pieces, bytes: the largest that crosses to a worker at once. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Publishes on a subject; who listens gets it, nobody waits. */
export type Publish = (subject: string, body: string) => void;

/** What handlers may ask of the mesh, answered by this executor. */
export class MeshPort implements HandlerPort {
  readonly #degraded = new Set<string>();

  constructor(
    private readonly invoker: Invoker,
    private readonly publish: Publish,
    private readonly registry: RegistryRpc,
    private readonly handlerLog: Log,
    private readonly tails: LogTails,
  ) {}

  log({ path, version }: HandlerSpec, id: string, level: LogLevel, message: string, fields?: object): void {
    this.tails.add(id, level, message, fields);
    const line = { path, version, id, level, message, ...(fields === undefined ? {} : { fields }) };
    this.publish(logSubject(path), JSON.stringify({ time: new Date().toISOString(), ...line }));
    const write = level === 'error' ? 'error' : level === 'warn' ? 'warn' : 'info';
    if (level !== 'debug') this.handlerLog[write](message, { ...fields, path, version, id });
  }

  async call(
    path: string,
    { body, contentType, version, timeout }: CallRequest,
    hold?: (cancel: () => void) => void,
  ): Promise<CallReply> {
    const reference = parseReference(path);
    const wanted = version ?? reference.version;
    const id = mintMeshId();
    hold?.(() => this.publish(cancelSubject(id), 'client-gone' satisfies CancelCode));
    const reply = await this.invoker.invoke(
      reference.path,
      {
        id,
        timeout,
        meta: { source: 'call' },
        ...(wanted === undefined ? {} : { version: wanted }),
        ...(contentType === undefined ? {} : { contentType }),
      },
      body,
    );
    const answer: Outcome =
      reply.rest === undefined
        ? { ...reply.result, body: reply.body }
        : await collect({ ...reply.result, body: reply.body, rest: reply.rest }, id, MOST_BYTES);
    const { outcome, status, contentType: type } = answer;
    // Cut out of the network buffer, which a thread would otherwise get whole.
    return {
      outcome,
      status,
      body: new Uint8Array(answer.body),
      ...(type === undefined ? {} : { contentType: type }),
    };
  }

  state({ path, version }: HandlerSpec, fault: { code: string; detail: string } | undefined): void {
    const key = `${path}@${version}`;
    if (fault) this.#degraded.add(key);
    else if (!this.#degraded.delete(key)) return;
    const report = {
      executor: hostname(),
      path,
      version,
      state: fault ? 'degraded' : 'ok',
      ...fault,
    } as const;
    if (fault) this.handlerLog.warn(`${key} is degraded.`, fault);
    // The registry may be away; a handler's state is told again at its next change.
    this.registry.report(report).catch(() => undefined);
  }
}
