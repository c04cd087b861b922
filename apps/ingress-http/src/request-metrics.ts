import { Gauge, Histogram, type Registry } from 'prom-client';

/** Counts and durations of requests by path and status; a path that is nobody's is the empty one. */
export class RequestMetrics {
  readonly #durations: Histogram<'path' | 'status'>;

  constructor(registry: Registry, inFlight: () => number) {
    this.#durations = new Histogram({
      name: 'mesh_http_request_duration_seconds',
      help: 'From the request having arrived to its answer being written.',
      labelNames: ['path', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers: [registry],
    });
    new Gauge({
      name: 'mesh_http_in_flight',
      help: 'Requests that wait for their answer.',
      registers: [registry],
      collect() {
        this.set(inFlight());
      },
    });
  }

  observe(path: string, status: number, milliseconds: number): void {
    this.#durations.observe({ path, status }, milliseconds / 1000);
  }
}
