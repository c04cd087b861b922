export type PackErrorCode =
  | 'no-folder'
  | 'bad-package-json'
  | 'no-entry'
  | 'no-bootstrap'
  | 'bundle-failed'
  | 'load-failed'
  | 'load-timeout'
  | 'no-handler'
  | 'several-handlers'
  | 'path-conflict'
  | 'no-path'
  | 'no-version'
  | 'bad-manifest'
  | 'bad-asset'
  | 'reserved-name'
  | 'too-large';

/** Why a folder cannot be packed, and what its author can do about it. */
export class PackError extends Error {
  override readonly name = 'PackError';
  constructor(
    readonly code: PackErrorCode,
    readonly reason: string,
    readonly remedy: string,
    options?: { cause?: unknown },
  ) {
    super(`${reason} ${remedy}`, options);
  }
}
