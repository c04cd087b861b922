import { applyDecorators, type INestApplication } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiQuery,
  ApiResponse,
  DocumentBuilder,
  SwaggerModule,
} from '@nestjs/swagger';
import { z } from 'zod';
import { ERRORS, type ErrorCode, PROBLEM_JSON } from '#contracts';
import { MAX_LIMIT } from './paging.js';

/** OpenAPI 3.1, whose schemas are JSON Schema: what zod writes can stand there as it is. */
const OPENAPI = '3.1.0';
const TITLE = 'λ-mesh registry';
const ABOUT = 'Handlers, their versions, and who did what with them. Every error is problem+json (RFC 9457).';

type Schema = Record<string, unknown>;

/** The schema of what is sent or received, from the zod schema that is the only description of it. */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'output'): Schema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  fault: z.enum(['caller', 'handler', 'mesh']),
  retry: z.enum(['never', 'later']),
  detail: z.string().optional(),
  instance: z.string().optional(),
});

/** Documents an answer of an operation. */
export const Answers = (status: number, description: string, schema: z.ZodType) =>
  applyDecorators(
    ApiBearerAuth(),
    ApiResponse({ status, description, content: { 'application/json': { schema: schemaOf(schema) } } }),
  );

/** Documents the errors of an operation, one entry a status. */
export function Refuses(...codes: ErrorCode[]) {
  const byStatus = Map.groupBy(
    ['unauthorized', 'forbidden', 'catalogue-unavailable', ...codes] as const,
    (c) => ERRORS[c].status,
  );
  const responses = [...byStatus].map(([status, group]) =>
    ApiResponse({
      status,
      description: group.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join(' '),
      content: { [PROBLEM_JSON]: { schema: PROBLEM_SCHEMA } },
    }),
  );
  return applyDecorators(...responses);
}

const PROBLEM_SCHEMA = schemaOf(problem);

export const PATH_PARAMETER = {
  name: 'path',
  description: 'The control path as one segment, percent-encoded.',
  example: 'users/find',
  schema: { type: 'string' as const },
};
export const VERSION_PARAMETER = {
  name: 'version',
  description: 'A semantic version.',
  example: '1.2.0',
  schema: { type: 'string' as const },
};
export const ALIAS_PARAMETER = {
  name: 'alias',
  description: 'A name such as canary.',
  example: 'canary',
  schema: { type: 'string' as const },
};
export const LIMIT_PARAMETER = {
  name: 'limit',
  required: false,
  schema: { type: 'integer' as const, minimum: 1, maximum: MAX_LIMIT, default: 100 },
};
export const CURSOR_PARAMETER = {
  name: 'cursor',
  required: false,
  description: "A list's `next`.",
  schema: { type: 'string' as const },
};

/** The revision of a route that a change is meant for. */
export const IF_MATCH_HEADER = {
  name: 'if-match',
  required: false,
  description: '`"<revision>"`: refused with 412 when the route is at another one by now. `*`: any there is.',
  schema: { type: 'string' as const, example: '"3"' },
};

/** Documents a JSON body. */
export const Takes = (schema: z.ZodType) =>
  applyDecorators(
    ApiConsumes('application/json'),
    ApiBody({ schema: schemaOf(schema, 'input'), required: true }),
  );

/** Documents query parameters, each text that may be left out. */
export const OptionalQueries = (descriptions: Readonly<Record<string, string>>) =>
  applyDecorators(
    ...Object.entries(descriptions).map(([name, description]) =>
      ApiQuery({ name, description, required: false, schema: { type: 'string' } }),
    ),
  );

/** `/docs` and `/openapi.json`. */
export function serveDocs(app: INestApplication, version: string): void {
  const builder = new DocumentBuilder().setTitle(TITLE).setDescription(ABOUT).setVersion(version);
  const config = builder.setOpenAPIVersion(OPENAPI).addBearerAuth().build();
  const document = SwaggerModule.createDocument(app, config);
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'openapi.json', raw: ['json'] });
}
