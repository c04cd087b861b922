/** With what the command ends; shown by `mesh --help` and in docs/cli.md. */
export const EXIT = {
  /** Everything that was asked for happened; the handler answered OK. */
  done: 0,
  /** Refused: the handler said no (FAIL), the registry refused, a check found something. */
  refused: 1,
  /** Failed: the handler threw or ran out of time, a folder cannot be packed, the mesh made a mistake. */
  failed: 2,
  /** Nobody there: registry, ingress or NATS cannot be reached. */
  unreachable: 3,
  /** Arguments that the command does not take (EX_USAGE of sysexits.h). */
  usage: 64,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_TEXT = `
Exit codes:
  0   done; the handler answered OK
  1   refused: the handler said no, the registry refused, a check found something
  2   failed: the handler threw or ran out of time, a folder cannot be packed
  3   unreachable: registry, ingress or NATS is not there
  64  arguments that the command does not take`;

/** Why a command ends, and what to do next. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    readonly reason: string,
    readonly remedy: string,
    readonly exitCode: ExitCode = EXIT.refused,
    /** A code of docs/errors.md or of the packer, for programs. */
    readonly code?: string,
  ) {
    super(`${reason}\n  → ${remedy}`);
  }
}
