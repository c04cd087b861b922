import { collectDefaultMetrics, Registry } from 'prom-client';

/** A registry of its own for each service, so that several may share a process. */
export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}
