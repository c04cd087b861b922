import { describe, expect, it } from '@jest/globals';
import { readRequest } from './request-data.js';

const JSON_TYPE = 'application/json';
const missing = (loc: string[], input: unknown) => [{ type: 'missing', loc, msg: 'Field required', input }];

describe('a body', () => {
  it.each([
    ['{"payload":"hello world"}', JSON_TYPE],
    ['{"payload":"hello world","more":1}', 'application/json; charset=utf-8'],
    ['{"payload":"hello world"}', 'application/vnd.api+json'],
  ])('%s of type %s has a payload', (text, type) => {
    expect(readRequest(Buffer.from(text), type)).toEqual({ payload: 'hello world' });
  });

  it.each([
    ['', JSON_TYPE, missing(['body'], null)],
    ['{}', JSON_TYPE, missing(['body', 'payload'], {})],
    [
      '{"payload":42}',
      JSON_TYPE,
      [
        {
          type: 'string_type',
          loc: ['body', 'payload'],
          msg: 'Input should be a valid string',
          input: 42,
        },
      ],
    ],
    ['[]', JSON_TYPE, [expect.objectContaining({ type: 'model_attributes_type', loc: ['body'], input: [] })]],
    ['null', JSON_TYPE, [expect.objectContaining({ type: 'model_attributes_type', input: null })]],
    ...['text/plain', 'application/jsonl', 'application', undefined].map(
      (type): [string, string | undefined, object[]] => [
        '{"payload":"x"}',
        type,
        [expect.objectContaining({ type: 'model_attributes_type', loc: ['body'], input: '{"payload":"x"}' })],
      ],
    ),
    [
      '{"payload":}',
      JSON_TYPE,
      [
        expect.objectContaining({
          type: 'json_invalid',
          loc: ['body', expect.any(Number)],
          msg: 'JSON decode error',
          input: {},
        }),
      ],
    ],
  ])('%j of type %s is refused in the words of FastAPI', (text, type, faults) => {
    expect(readRequest(Buffer.from(text), type)).toEqual({ faults });
  });
});
