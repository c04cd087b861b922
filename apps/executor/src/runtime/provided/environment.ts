import { dirname } from 'node:path';
import { LAMBDA_REGION } from '#contracts';
import type { HandlerSpec } from '../runtime.js';

/** What a child finds, beside what its manifest asks for. */
export interface Surroundings {
  /** The artifact's files. */
  readonly folder: string;
  /** Its own, the one place where it is meant to write. */
  readonly scratch: string;
  /** `127.0.0.1:<port>` */
  readonly api: string;
  readonly memoryMb: number;
  /** How many invocations it may have at once. */
  readonly concurrency: number;
}

/** Where a program finds interpreters; Lambda's, and this Node's for a bootstrap written in JavaScript. */
const PATH = [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin', '/opt/bin'].join(':');
/**
 * The environment of a program, as on Lambda ("Defined runtime environment variables"), and nothing of the executor's
 * own. `AWS_EXECUTION_ENV` is not there for a custom runtime; no credentials either, since none belong to it.
 */
export function bootstrapEnvironment(
  spec: Pick<HandlerSpec, 'path' | 'version' | 'export' | 'environment'>,
  { folder, scratch, api, memoryMb, concurrency }: Surroundings,
): Record<string, string> {
  const { path, version } = spec;
  return {
    PATH,
    LANG: 'C.UTF-8',
    TZ: ':UTC',
    HOME: scratch,
    TMPDIR: scratch,
    AWS_REGION: LAMBDA_REGION,
    AWS_DEFAULT_REGION: LAMBDA_REGION,
    ...spec.environment,
    AWS_LAMBDA_RUNTIME_API: api,
    AWS_LAMBDA_FUNCTION_NAME: path,
    AWS_LAMBDA_FUNCTION_VERSION: version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${path}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `${path}@${version}`,
    LAMBDA_TASK_ROOT: folder,
    LAMBDA_RUNTIME_DIR: folder,
    _HANDLER: spec.export ?? path,
    // Only then may a runtime poll for several at once.
    ...(concurrency > 1 ? { AWS_LAMBDA_MAX_CONCURRENCY: String(concurrency) } : {}),
  };
}
