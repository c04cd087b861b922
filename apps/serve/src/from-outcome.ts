import { ERRORS, type OutcomeCode } from '#contracts';
import { type Outcome, toValue } from '#handler/runtime';
import type { ValidationFault } from './request-data.js';

/** An answer: JSON text. */
export interface Answer {
  readonly status: number;
  readonly json: string;
}

export const NOT_LOADED = detail(500, 'Handler function not loaded');

/** The handler is not there: what a caller cannot mend, and an operator finds in the log. */
export const UNLOADED: ReadonlySet<string> = new Set<OutcomeCode>([
  'artifact-corrupt',
  'artifact-missing',
  'load-failed',
  'load-timeout',
  'no-handler',
  'path-mismatch',
]);

/** The result of a handler, or why there is none: a throw and the handler's own no are 400, with their text. */
export function fromOutcome(outcome: Outcome): Answer {
  const { outcome: code, cause } = outcome;
  if (code === 'ok') return { status: 200, json: `{"result":${toValue(outcome)}}` };
  if (code === 'failed') return { status: 400, json: `{"detail":${toValue(outcome)}}` };
  if (code === 'handler-error') return detail(400, cause?.message ?? ERRORS[code].title);
  if (UNLOADED.has(code)) return NOT_LOADED;
  return detail(outcome.status, outcome.detail ?? ERRORS[code].title);
}

/** What is wrong with a body. Where it is nested more deeply than can be written again, it is not shown. */
export function refused(faults: readonly ValidationFault[]): Answer {
  try {
    return detail(422, faults);
  } catch {
    return detail(
      422,
      faults.map(({ input: _, ...fault }) => fault),
    );
  }
}

export function detail(status: number, value: unknown): Answer {
  return { status, json: JSON.stringify({ detail: value }) };
}
