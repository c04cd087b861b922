import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

const TITLE = 'λ-mesh: one handler';
const ABOUT = 'Every POST to / runs the handler that HANDLER_FUNCTION names.';

export const REQUEST_SCHEMA = {
  type: 'object',
  required: ['payload'],
  properties: { payload: { type: 'string' } },
  example: { payload: 'hello world' },
};
/** Any JSON. */
export const RESULT_SCHEMA = { type: 'object', required: ['result'], properties: { result: {} } };
export const DETAIL_SCHEMA = {
  type: 'object',
  required: ['detail'],
  properties: {
    detail: { description: 'The message of the exception, or the body that the handler failed with.' },
  },
};
export const FAULTS_SCHEMA = {
  type: 'object',
  properties: {
    detail: {
      type: 'array',
      items: {
        type: 'object',
        required: ['loc', 'msg', 'type'],
        properties: {
          loc: { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'integer' }] } },
          msg: { type: 'string' },
          type: { type: 'string' },
        },
      },
    },
  },
};
export const HEALTH_SCHEMA = {
  type: 'object',
  required: ['status', 'timestamp'],
  properties: { status: { type: 'string' }, timestamp: { type: 'string', format: 'date-time' } },
};

/** `GET /docs` for people, `GET /openapi.json` for programs; nothing of either comes from elsewhere. */
export function documentApi(app: INestApplication): void {
  const about = new DocumentBuilder().setTitle(TITLE).setDescription(ABOUT).setVersion('1').build();
  const document = SwaggerModule.createDocument(app, { ...about, openapi: '3.1.0' });
  SwaggerModule.setup('docs', app, document, {
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
  });
}
