import { CliError } from '../exit.js';

export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do, where it is not ok. */
  readonly remedy?: string;
}

export const good = (check: string, detail: string): Finding => ({ check, ok: true, detail });
export const bad = (check: string, detail: string, remedy: string): Finding => ({
  check,
  ok: false,
  detail,
  remedy,
});

export function findingOf(check: string, error: unknown): Finding {
  if (error instanceof CliError) return bad(check, error.reason, error.remedy);
  return bad(check, String(error), 'See the log of the service.');
}
