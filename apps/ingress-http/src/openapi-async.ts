import { PROBLEM_JSON } from '#contracts';

/* What of the OpenAPI document tells about callers who do not wait. */

const header = (name: string, description: string, schema: object = { type: 'string' }) => ({
  name,
  in: 'header',
  required: false,
  description,
  schema,
});
const time = { type: 'string', format: 'date-time' };

/** Headers of any call of a handler, by their name below `components.parameters`. */
export const ASYNC_PARAMETERS = {
  Prefer: header(
    'Prefer',
    'RFC 7240. `respond-async`: answer 202 as soon as the call is safely kept, and run it later. The headers below need it.',
  ),
  IdempotencyKey: header(
    'Idempotency-Key',
    'Bare or quoted, 1 to 255 characters. The same request with the same key is one invocation, however often it is sent, until the invocation `expires`; another request with it is 422. A key counts for one path and caller. Without `respond-async` it is passed on to the handler.',
    { type: 'string', maxLength: 257 },
  ),
  MeshDelay: header('mesh-delay', 'Not before so many seconds have passed; a year at most.', {
    type: 'number',
    minimum: 0,
  }),
  MeshAt: header('mesh-at', 'Not before this time (RFC 3339); instead of `mesh-delay`.', time),
  MeshExpires: header('mesh-expires', 'Not worth starting from this time on (RFC 3339).', time),
  MeshCallback: header(
    'mesh-callback',
    'The result is also POSTed to this URL, where the operator allows it: signed in `mesh-signature` (`t=<seconds>,v1=<hex HMAC-SHA-256 of "<seconds>.<body>">`), again and again for a day until it is answered 2xx.',
    { type: 'string', format: 'uri' },
  ),
} as const;

export const ASYNC_PARAMETER_REFS: readonly object[] = Object.keys(ASYNC_PARAMETERS).map((name) => ({
  $ref: `#/components/parameters/${name}`,
}));

/** Of any handler, by its name below `components.responses`. */
export const ACCEPTED = {
  description: 'The call is kept and will run (`Prefer: respond-async`).',
  headers: {
    Location: { description: 'Where its state is.', schema: { type: 'string', format: 'uri-reference' } },
    'Preference-Applied': { schema: { const: 'respond-async' } },
  },
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Accepted' } } },
};

const common = { id: { type: 'string', format: 'uuid' }, status: { enum: ['waiting', 'done', 'cancelled'] } };

/** By their names below `components.schemas`. */
export const ASYNC_SCHEMAS = {
  Accepted: {
    type: 'object',
    required: ['id', 'status', 'location', 'expires'],
    properties: { ...common, location: { type: 'string' }, startsAt: time, expires: time },
  },
  Invocation: {
    type: 'object',
    required: ['id', 'path', 'status', 'acceptedAt', 'expires'],
    properties: {
      ...common,
      path: { type: 'string' },
      acceptedAt: time,
      startsAt: time,
      endedAt: time,
      expires: { ...time, description: 'Until then it is remembered; later once it is done.' },
      attempts: { type: 'integer', description: 'How often the handler ran.' },
      callback: {
        type: 'object',
        properties: {
          url: { type: 'string' },
          status: { enum: ['waiting', 'sent', 'failed'] },
          attempts: { type: 'integer' },
          error: { type: 'string', description: 'Why it did not get there the last time.' },
        },
      },
      result: {
        type: 'object',
        required: ['outcome', 'status', 'headers'],
        properties: {
          outcome: { type: 'string', description: '`ok`, `failed`, or the code of an error.' },
          status: { type: 'integer' },
          version: { type: 'string' },
          headers: { type: 'object' },
          encoding: { enum: ['json', 'text', 'base64'], description: 'How `body` is given.' },
          body: {},
        },
      },
    },
  },
};

const problem = (description: string) => ({
  description,
  content: { [PROBLEM_JSON]: { schema: { $ref: '#/components/schemas/Problem' } } },
});
const invocation = (description: string) => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Invocation' } } },
});
const GONE = problem('There never was such an invocation, or it has expired.');
const id = { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } };
const wait = header(
  'Prefer',
  'RFC 7240. `wait=<seconds>`: answer as soon as it does not wait any more; 30 at most.',
);

export const INVOCATION_PATHS = {
  '/invocations/{id}': {
    get: {
      operationId: 'get_invocation',
      summary: 'State of an asynchronous call, and its result',
      tags: ['invocations'],
      parameters: [id, wait],
      responses: { 200: invocation('Its state.'), 404: GONE },
    },
    delete: {
      operationId: 'cancel_invocation',
      summary:
        'Cancel what still waits; a run that has begun is told by its signal, and its result is not kept',
      tags: ['invocations'],
      parameters: [id],
      responses: { 200: invocation('It is cancelled.'), 404: GONE, 409: problem('It is done.') },
    },
  },
  '/invocations/{id}/result': {
    get: {
      operationId: 'get_invocation_result',
      summary: 'What the handler answered, as it would have answered a call',
      tags: ['invocations'],
      parameters: [id, wait],
      responses: {
        '2XX': { description: 'The handler’s answer.' },
        202: invocation('It still waits.'),
        404: GONE,
        499: problem('It was cancelled.'),
      },
    },
  },
};
