import {
  asMeshError,
  DEFAULT_TIMEOUT_MS,
  decodeRouting,
  type EventRouting,
  type HeaderMap,
  type LiveVersion,
  MeshError,
  mintMeshId,
  type Route,
} from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import type { Instances } from './catalogue/instances.js';
import { pickVersion } from './catalogue/pick-version.js';

export interface Invoked {
  readonly id: string;
  /** The version that ran; absent when none did. */
  readonly version?: string;
  readonly outcome: Outcome;
}

/** From a decoded header block to an outcome: which version, how long, and the run itself. Never rejects. */
export class Invoke {
  #nextKey = 0;

  constructor(private readonly instances: Instances) {}

  /** @param route `undefined` when it has gone while the call was on its way */
  async run(
    route: Route | undefined,
    headers: HeaderMap,
    body: Uint8Array,
    attempt: number,
  ): Promise<Invoked> {
    let id = '';
    try {
      const routing = decodeRouting(headers, mintMeshId);
      id = routing.id;
      if (!route) throw new MeshError('no-route');
      const version = pickVersion(route, routing, Math.random);
      const outcome = await this.version(route, version, routing, headers, body, attempt);
      return { id, version: version.version, outcome };
    } catch (error) {
      id ||= mintMeshId();
      const fault = asMeshError(error);
      return { id, outcome: errorOutcome(fault, id, fault.cause) };
    }
  }

  /**
   * Runs one version. Never rejects, and answers at the deadline whatever the handler does: first the caller, then the
   * handler's signal.
   */
  version(
    { path }: Route,
    version: LiveVersion,
    { id, timeout = DEFAULT_TIMEOUT_MS }: EventRouting,
    headers: HeaderMap,
    body: Uint8Array,
    attempt: number,
  ): Promise<Outcome> {
    const instance = this.instances.get(path, version);
    const key = this.#nextKey++;
    // A caller may ask for less than the handler's own limit, never for more.
    const limit = Math.min(timeout, version.limits.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve(errorOutcome(new MeshError('deadline-exceeded', `It took longer than ${limit} ms.`), id));
        instance.abort(key, 'the deadline passed');
      }, limit);
      void instance.invoke({ key, id, headers, body, attempt, timeout: limit }).then((outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      });
    });
  }
}
