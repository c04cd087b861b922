import { type ControlPath, type LiveVersion, MeshError, type Route } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import { Gate } from '../gate.js';
import type { Instance } from '../runtime/runtime.js';
import { type Allowed, allowedOf, type Ceilings } from './allowed.js';
import { TokenBucket } from './token-bucket.js';

/** Why calls were refused. */
export type Limit = 'concurrency' | 'rate' | 'payload';
export type Refusals = Record<Limit, number>;

/** What a version has; the same object until its route changes. */
export type AllowedOf = (route: Pick<Route, 'limits'>, version: LiveVersion) => Allowed;

/** What stands before the runs of a version. */
export interface Admitted<T> {
  readonly instance: Instance;
  readonly allowed: Allowed;
  readonly gate: Gate<T>;
  /** Of the whole path; absent: no rate is set. */
  readonly rate: TokenBucket | undefined;
}

/** What work of a path may take now. */
export interface PathRoom {
  readonly concurrency: number;
  readonly rate: TokenBucket | undefined;
}

/** @param ceilings of the operator, for all handlers */
export function allowances(ceilings: Ceilings): AllowedOf {
  const known = new WeakMap<LiveVersion, Allowed>();
  return ({ limits }, version) => {
    const before = known.get(version);
    if (before) return before;
    const allowed = allowedOf(version.limits, limits, ceilings, version.runtime === 'provided');
    known.set(version, allowed);
    return allowed;
  };
}

/**
 * The limits of every handler that runs here, with how much of each is taken. A version has a gate of its own; the rate
 * is the path's, since what it protects does not know of versions. New limits hold as soon as their route is here.
 */
export class Admission<T> {
  readonly #versions = new WeakMap<LiveVersion, Admitted<T>>();
  readonly #gates = new WeakMap<Instance, Gate<T>>();
  readonly #paths = new WeakMap<Route, PathRoom>();
  readonly #rates = new Map<ControlPath, TokenBucket>();
  readonly #refusals = new Map<ControlPath, Refusals>();

  constructor(private readonly allowedOf: AllowedOf) {}

  /** Paths of which something was refused. */
  get refusals(): ReadonlyMap<ControlPath, Readonly<Refusals>> {
    return this.#refusals;
  }

  of(instance: Instance, route: Route, version: LiveVersion): Admitted<T> {
    const known = this.#versions.get(version);
    if (known?.instance === instance) return known;
    const allowed = this.allowedOf(route, version);
    const admitted = {
      instance,
      allowed,
      gate: this.#gateOf(instance, allowed),
      rate: this.path(route).rate,
    };
    this.#versions.set(version, admitted);
    return admitted;
  }

  /** Of the version that most events of the path meet. */
  path(route: Route): PathRoom {
    const known = this.#paths.get(route);
    if (known) return known;
    const [heaviest] = route.versions as [LiveVersion];
    const allowed = this.allowedOf(route, heaviest);
    const room = { concurrency: allowed.concurrency, rate: this.#rateOf(route.path, allowed) };
    this.#paths.set(route, room);
    return room;
  }

  waitingFor(instance: Instance): number {
    return this.#gates.get(instance)?.waiting ?? 0;
  }

  /** The path is gone. */
  forget(path: ControlPath): void {
    this.#rates.delete(path);
  }

  /**
   * What keeps a run from going on or waiting here, if anything does. Takes one of the rate if nothing does.
   * @param isPatient work: it has its place and its share of the rate already
   */
  refusal(
    { path }: Route,
    { allowed, gate, rate }: Admitted<T>,
    id: string,
    bytes: number,
    isPatient: boolean,
  ): Outcome | undefined {
    if (bytes > allowed.payloadBytes) return this.#refuse(path, 'payload', tooLarge(allowed), id);
    if (isPatient) return undefined;
    if (gate.isFull) return this.#refuse(path, 'concurrency', tooBusy(gate), id, gate.waitMs);
    if (rate && !rate.take()) return this.#refuse(path, 'rate', tooFast(allowed), id, rate.waitMs());
    return undefined;
  }

  #refuse(path: ControlPath, limit: Limit, fault: MeshError, id: string, retryMs?: number): Outcome {
    const counts = this.#refusals.get(path) ?? { concurrency: 0, rate: 0, payload: 0 };
    this.#refusals.set(path, counts);
    counts[limit]++;
    const outcome = errorOutcome(fault, id);
    if (retryMs === undefined) return outcome;
    // RFC 9110, clause 10.2.3: whole seconds. One too many is better than one too few.
    return {
      ...outcome,
      meta: { headers: { 'retry-after': String(Math.max(1, Math.ceil(retryMs / 1_000))) } },
    };
  }

  /** One that was made for other limits has these from now on. */
  #gateOf(instance: Instance, { concurrency, queue }: Allowed): Gate<T> {
    const known = this.#gates.get(instance);
    const gate = known ?? new Gate<T>(concurrency, queue);
    gate.concurrency = concurrency;
    gate.queue = queue;
    this.#gates.set(instance, gate);
    return gate;
  }

  #rateOf(path: ControlPath, { ratePerSecond, burst }: Allowed): TokenBucket | undefined {
    if (!Number.isFinite(ratePerSecond)) {
      this.#rates.delete(path);
      return undefined;
    }
    const bucket = this.#rates.get(path) ?? new TokenBucket(ratePerSecond, burst);
    bucket.adjust(ratePerSecond, burst);
    this.#rates.set(path, bucket);
    return bucket;
  }
}

const tooBusy = ({ running, waiting }: Gate<unknown>): MeshError =>
  new MeshError('too-busy', `${running} run here already, and ${waiting} wait.`);
const tooFast = ({ ratePerSecond }: Allowed): MeshError =>
  new MeshError('rate-limited', `It takes ${ratePerSecond} a second here.`);
const tooLarge = ({ payloadBytes }: Allowed): MeshError =>
  new MeshError('payload-too-large', `This handler takes at most ${payloadBytes} bytes.`);
