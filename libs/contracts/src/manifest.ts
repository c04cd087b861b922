import { z } from 'zod';
import { type ControlPath, controlPathFault, isAlias, isVersion } from './control-path.js';
import { jsonValue } from './json-value.js';

/*
 * What an artifact says of itself (`manifest.json`), and the route that the registry makes from it. The zod
 * schema is the only description: types, validation and OpenAPI are derived from it.
 */

const controlPath = z.string().superRefine((text, context) => {
  const fault = controlPathFault(text);
  if (fault) context.addIssue({ code: 'custom', message: fault });
}) as unknown as z.ZodType<ControlPath, string>;

const version = z.string().refine(isVersion, 'must be a semantic version such as 1.2.0');

export const HTTP_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
export type HttpMethod = (typeof HTTP_METHODS)[number];

// Literal segments are a control path's, or one `{name}` for a parameter.
const HTTP_PATH = /^(\/([a-z0-9][a-z0-9_-]{0,62}|\{[A-Za-z_][A-Za-z0-9_]{0,62}\})){1,16}$/;
const MQTT_FILTER = /^[^\0\s]{1,512}$/u;

const httpTrigger = z.strictObject({
  http: z.strictObject({
    method: z.union([z.enum(HTTP_METHODS), z.array(z.enum(HTTP_METHODS)).min(1)]).optional(),
    path: z
      .string()
      .regex(HTTP_PATH, 'must look like /users/{id}: literal segments and {parameters}')
      .optional(),
  }),
});
const mqttTrigger = z.strictObject({
  mqtt: z.strictObject({
    /** `+` stands for one level, `#` at the end for the rest; what they stand for is `event.params` "0", "1", … */
    filter: z.string().regex(MQTT_FILTER, 'must be an MQTT topic filter'),
    /** Whether the handler also runs for the message that a broker retained, each time it is subscribed anew. */
    retained: z.boolean().optional(),
  }),
});
const sqsTrigger = z.strictObject({
  sqs: z.strictObject({
    /** Its name, its ARN, or its URL. */
    queue: z.string().min(1).max(512),
    /** The handler takes up to so many at once, as Lambda's `Records`, and may answer `batchItemFailures`. */
    batchSize: z.int().min(1).max(10).optional(),
  }),
});
const cronTrigger = z.strictObject({
  cron: z.string().min(1).max(256),
  timezone: z.string().max(64).optional(),
});

/** What makes a handler run. Without any: every method on `/<path>`, and the MQTT topic `<path>`. */
export const trigger = z.union([httpTrigger, mqttTrigger, sqsTrigger, cronTrigger]);
export type Trigger = z.infer<typeof trigger>;
export type HttpTrigger = z.infer<typeof httpTrigger>['http'];
export type SqsTrigger = z.infer<typeof sqsTrigger>['sqs'];

/** Each on one executor; the operator's bound holds where it is lower (docs/limits.md). */
export const limits = z.strictObject({
  /** Milliseconds that one attempt may take; a caller may ask for less, never for more. */
  timeoutMs: z.int().min(1).max(900_000).optional(),
  /** Runs at once, of one version. */
  concurrency: z.int().min(1).max(100_000).optional(),
  /** Calls that may wait behind them; who comes then gets 429. */
  queue: z.int().min(0).max(100_000).optional(),
  /** Workers of one version: more than one is for what keeps a processor busy. */
  workers: z.int().min(1).max(256).optional(),
  /** Workers that are kept ready although nobody calls. */
  warm: z.int().min(0).max(256).optional(),
  /** MB of memory that each worker may have. */
  memoryMb: z.int().min(128).max(1_000_000).optional(),
  /** Bytes of a request's body; more is 413. */
  payloadBytes: z.int().min(0).max(1_000_000_000_000).optional(),
  /** Runs that begin in a second, of all versions together. */
  ratePerSecond: z.number().min(0.001).max(1_000_000).optional(),
  /** How many may begin at once after a pause, where there is a rate; absent: what it allows in a second. */
  burst: z.int().min(1).max(1_000_000).optional(),
});
export type Limits = z.infer<typeof limits>;

/** How work, for which nobody waits, is treated. */
export const workSettings = z.strictObject({
  /** How often it is tried before it is a dead letter; {@link DEFAULT_ATTEMPTS}. */
  attempts: z.int().min(1).max(100).optional(),
  /** Longest wait before the second attempt, ms; doubled for each one after it. {@link DEFAULT_BACKOFF_MS}. */
  backoffMs: z.int().min(1).max(300_000).optional(),
  /** One at a time, in the order in which it was accepted: what fails holds up what comes after it. */
  ordered: z.boolean().optional(),
  /** Headers of HTTP that the handler needs although they are secret, such as `authorization`; in lower case. */
  headers: z
    .array(z.string().regex(/^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/))
    .max(16)
    .optional(),
});
export type WorkSettings = z.infer<typeof workSettings>;
export const DEFAULT_ATTEMPTS = 5;
export const DEFAULT_BACKOFF_MS = 1_000;

/**
 * The documents that a handler may have been written for: the mesh's own event, those of AWS Lambda's API Gateway
 * (payload 1.0 and 2.0) and SQS, a CloudEvent, or what was sent and nothing else.
 */
export const EVENT_SHAPES = [
  'mesh',
  'apigateway-v1',
  'apigateway-v2',
  'sqs',
  'cloudevents',
  'payload',
] as const;
export type EventShape = (typeof EVENT_SHAPES)[number];

const entryFile = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/, 'must be a plain file name inside the artifact');
const environmentName = z
  .string()
  .regex(/^(?!MESH_)[A-Z][A-Z0-9_]{0,99}$/, 'must be an environment name that does not begin with MESH_');

export const manifest = z.strictObject({
  path: controlPath,
  version,
  description: z.string().max(1000).optional(),
  /** `node`: an ES module that an executor imports. `provided`: a program that polls AWS Lambda's Runtime API. */
  runtime: z.enum(['node', 'provided']).default('node'),
  /** The file to import; of a provided runtime the one to start, `bootstrap`. */
  entry: entryFile.default('handler.mjs'),
  /** Which export of it is the handler; absent: the one that `load-handler` finds. A provided runtime's `_HANDLER`. */
  export: z.string().min(1).max(100).optional(),
  triggers: z.array(trigger).max(64).default([]),
  /** What the handler is given, and how its answer is read; absent: `mesh`. */
  event: z.enum(EVENT_SHAPES).optional(),
  /** `stream`: the handler takes the body of a request as it comes, whatever its size; absent: `whole`, decoded. */
  body: z.enum(['whole', 'stream']).optional(),
  limits: limits.default({}),
  work: workSettings.optional(),
  /** Environment names that the handler wants; it sees these and no others. */
  env: z.array(environmentName).max(64).default([]),
  /** Free to use: owner, team, documentation. Kept with the version. */
  meta: z.record(z.string(), jsonValue).default({}),
  /** JSON Schema of what the handler expects as its body (or query), for people and for documents made of it. */
  input: z.record(z.string(), jsonValue).optional(),
  /** The git commit that it was packed from, when nothing was changed since. */
  commit: z
    .string()
    .regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, 'must be the full name of a git commit')
    .optional(),
});
/** A manifest with every default filled in. */
export type Manifest = z.infer<typeof manifest>;
/** A manifest as an author may write it. */
export type ManifestInput = z.input<typeof manifest>;

export const DIGEST = /^sha256:[0-9a-f]{64}$/;

const carried = manifest.omit({ path: true, description: true, input: true, commit: true }).extend({
  digest: z.string().regex(DIGEST),
  /** Share of the calls that name no version; the weights of a route add up to 100. */
  weight: z.int().min(0).max(100),
  /** The operator's values for this mesh, of names in `env`; they go before the executor's own environment. */
  environment: z.record(z.string(), z.string()).optional(),
});
// Not strict: what is for people stays behind, and an executor reads routes that a newer registry wrote.
const carriedLimits = z.object(limits.shape);
const liveVersion = z.object({ ...carried.shape, limits: carriedLimits.default({}) });
/** A version that executors hold ready. */
export type LiveVersion = z.infer<typeof liveVersion>;

export const route = z.object({
  path: controlPath,
  /** Grows with every change of this route. */
  revision: z.int().min(1),
  versions: z.array(liveVersion).min(1),
  aliases: z.record(z.string().refine(isAlias, 'must be an alias'), version).default({}),
  /** What the operator says of this handler. It stands in the limits of every version, too; said here, it goes before his bounds for all handlers. */
  limits: carriedLimits.optional(),
});
/** The value of a path's key in KV `mesh_routes`: all that ingress and executor need to know of a handler. */
export type Route = z.infer<typeof route>;

/** Bytes that a body for this route may have; `undefined`: as many as the mesh carries. @param wanted a version or alias */
export function payloadLimitOf({ versions, aliases }: Route, wanted?: string): number | undefined {
  const named = wanted !== undefined && Object.hasOwn(aliases, wanted) ? aliases[wanted] : wanted;
  const possible = versions.filter(({ version, weight }) =>
    named === undefined ? weight > 0 : version === named,
  );
  // Which of them will run is not known yet: what one of them takes is not refused here.
  const most = Math.max(...possible.map(({ limits }) => limits.payloadBytes ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(most) ? most : undefined;
}

/** One line per fault, each with the place: `triggers.0.http.path: must look like …`. */
export function faultsOf(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.join('.') || '(whole)'}: ${issue.message}`);
}
