import type { EndpointStats } from '#fabric';

/** What happened to the calls of one path; read by discovery and by `/metrics`. */
export class Counters implements EndpointStats {
  requests = 0;
  errors = 0;
  lastError = '';
  /** Nanoseconds. */
  processingTime = 0;

  count(milliseconds: number, error: string | undefined): void {
    this.requests++;
    this.processingTime += milliseconds * 1e6;
    if (error === undefined) return;
    this.errors++;
    this.lastError = error;
  }
}
