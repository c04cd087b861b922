import { EXIT, type ExitCode } from '../exit.js';

/** An event to be sent, whichever way. */
export interface Outgoing {
  readonly query: readonly (readonly [string, string])[];
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array | undefined;
  readonly contentType: string | undefined;
  readonly method: string | undefined;
  /** Milliseconds. */
  readonly timeout: number;
}

export interface Answer {
  /** `ok`, `failed` (the handler said no), or a code of docs/errors.md. */
  readonly outcome: string;
  readonly status: number;
  readonly version: string | undefined;
  readonly id: string;
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
}

export function exitOf({ outcome }: Answer): ExitCode {
  if (outcome === 'ok') return EXIT.done;
  return outcome === 'failed' ? EXIT.refused : EXIT.failed;
}
