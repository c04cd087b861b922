import { chmodSync, rmSync } from 'node:fs';
import type { Relevance } from './explain.ts';
import type { Fault } from './ledger.ts';
import { makeFolder, removeLeftovers } from './leftovers.ts';
import type { Options } from './options.ts';
import { type Servers, startServers } from './servers.ts';
import { type Services, startServices } from './services.ts';
import type { Unit } from './unit.ts';

/** Everything that runs: servers, and services as they are deployed, each a unit that faults can happen to. */
export interface World {
  readonly folder: string;
  readonly servers: Servers;
  readonly services: Services;
  readonly units: readonly Unit[];
  readonly relevance: Relevance;
  faults(): Fault[];
  stop(): Promise<void>;
}

export async function startWorld(options: Options, say: (line: string) => void): Promise<World> {
  await removeLeftovers();
  const folder = makeFolder();
  // Postgres runs as another user when root starts it: it may pass through, not look.
  chmodSync(folder, 0o711);
  say(`Data and logs in ${folder}`);
  const servers = await startServers(folder, options.broker);
  const services = await startServices(folder, servers).catch(async (error) => {
    await servers.stop();
    throw error;
  });
  const units = [...servers.units, ...services.units];
  return {
    folder,
    servers,
    services,
    units,
    relevance: relevanceOf(units, options.broker),
    faults: () => units.flatMap(({ faults }) => faults).sort((a, b) => a.from - b.from),
    stop: async () => {
      await services.stop();
      await servers.stop();
      if (!options.keep) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Kinds of units on the way of a source's events to their acknowledgement, and those that can make them come again. */
const WAYS: Readonly<
  Record<string, { readonly there: readonly string[]; readonly again: readonly string[] }>
> = {
  // Nobody but the caller repeats a call. Its way is as long as the handler's own: a call may fail by its database.
  http: { there: ['ingress-http', 'nats', 'executor', 'postgres'], again: [] },
  request: { there: ['nats', 'executor', 'postgres'], again: [] },
  // What is accepted under an id is accepted once: an ingress cannot repeat it.
  async: { there: ['ingress-http', 'nats'], again: ['nats', 'postgres'] },
  work: { there: ['nats'], again: ['nats', 'postgres'] },
  mqtt1: { there: ['broker'], again: ['broker', 'ingress-mqtt', 'nats', 'postgres'] },
  mqtt2: { there: ['broker'], again: ['broker', 'ingress-mqtt', 'nats', 'postgres'] },
  sqs: { there: ['aws'], again: ['aws', 'ingress-sqs', 'nats', 'postgres'] },
  fifo: { there: ['aws'], again: ['aws', 'ingress-sqs', 'nats', 'postgres'] },
};
const DEDUPLICATES = new Set(['async', 'work', 'fifo']);

function relevanceOf(units: readonly Unit[], broker: string): Relevance {
  const names = units.map(({ name }) => name);
  const executors = units.filter(({ name }) => name.startsWith('executor'));
  const ofKinds = (kinds: readonly string[]) => {
    const wanted = kinds.map((kind) => (kind === 'broker' ? broker : kind));
    return names.filter((name) => wanted.some((kind) => name === kind || name.startsWith(`${kind}-`)));
  };
  return {
    onTheWay: (source) => ofKinds(WAYS[source]?.there ?? []),
    redeliver: (source) => ofKinds(WAYS[source]?.again ?? []),
    executorOf: (pid, at) => executors.find((unit) => unit.was(pid, at))?.name,
    deduplicates: (source) => DEDUPLICATES.has(source),
  };
}
