import { describe, expect, it } from '@jest/globals';
import { between, pickFrom, randomFrom, textOf } from '../../../test/fixtures/random.js';
import {
  decodeEvent,
  decodeHeaders,
  decodeResult,
  decodeRouting,
  encodeEvent,
  encodeHeaders,
  encodeResult,
  statusOf,
} from './codec.js';
import { type EventEnvelope, MAX_TIMEOUT_MS, type ResultEnvelope } from './envelope.js';
import { ERRORS, type ErrorCode } from './errors.js';

const ID = '0190d0c0-0000-7000-8000-00000000002a';
const mint = () => ID;
const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const textIn = (block: Uint8Array): string => Buffer.from(block).toString('latin1');
const headersOf = (...lines: string[]) => decodeHeaders(bytes(`NATS/1.0\r\n${lines.join('\r\n')}\r\n\r\n`));
const block = (...lines: string[]): string => `NATS/1.0\r\n${lines.map((l) => `${l}\r\n`).join('')}\r\n`;

const EVENTS: [string, EventEnvelope, string][] = [
  [
    'a usual HTTP request: two headers',
    { id: ID, meta: { source: 'http', method: 'GET', path: '/users/find', query: 'id=42' } },
    block(
      `mesh-id: ${ID}`,
      'mesh-meta: {"source":"http","method":"GET","path":"/users/find","query":"id=42"}',
    ),
  ],
  [
    'one with all there is',
    {
      id: ID,
      version: 'canary',
      sticky: 'customer 7',
      timeout: 1500.2,
      contentType: 'application/json; charset=utf-8',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      cloudEvent: { id: 'my "id" 100%', type: 'com.example.größer', time: '2025-01-01T00:00:00Z' },
      meta: { source: 'call' },
    },
    block(
      `mesh-id: ${ID}`,
      'mesh-version: canary',
      'mesh-sticky: customer%207',
      'mesh-timeout: 1501',
      'ce-datacontenttype: application/json;%20charset=utf-8',
      'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'ce-id: my%20%22id%22%20100%25',
      'ce-type: com.example.gr%C3%B6%C3%9Fer',
      'ce-time: 2025-01-01T00:00:00Z',
      'mesh-meta: {"source":"call"}',
    ),
  ],
  [
    'meta outside ASCII, escaped',
    { id: ID, meta: { source: 'mqtt', attributes: { topic: 'ö\u007f😀\n' } } },
    block(
      `mesh-id: ${ID}`,
      'mesh-meta: {"source":"mqtt","attributes":{"topic":"\\u00f6\\u007f\\ud83d\\ude00\\n"}}',
    ),
  ],
];

describe('an event on the wire', () => {
  it.each(EVENTS)('%s', (_, event, golden) => {
    expect(textIn(encodeEvent(event))).toBe(golden);
    const timeout = event.timeout === undefined ? {} : { timeout: Math.ceil(event.timeout) };
    expect(decodeEvent(decodeHeaders(bytes(golden)), mint)).toEqual({ ...event, ...timeout });
  });

  it('may have no header at all', () => {
    const plain = { id: ID, meta: { source: 'nats' } };
    expect(decodeEvent(decodeHeaders(new Uint8Array(0)), mint)).toEqual(plain);
    expect(decodeEvent(decodeHeaders(bytes('NATS/1.0\r\n\r\n')), mint)).toEqual(plain);
    expect(decodeEvent({}, mint)).toEqual(plain);
  });

  it('has names in any case, and of several headers the first counts', () => {
    const headers = headersOf('MESH-Version: 1.0.0', 'Mesh-Version: 2.0.0', 'Content-Type: text/plain');
    expect(decodeEvent(headers, mint)).toMatchObject({ version: '1.0.0', contentType: 'text/plain' });
  });

  it('keeps what a plain client wrote around and after the colon out of the value', () => {
    expect(headersOf('a:b', 'c:  d e\t', 'f: g:h', 'no colon', ': no name', 'empty:')).toEqual({
      a: 'b',
      c: 'd e',
      f: 'g:h',
      empty: '',
    });
  });

  it('has no special names', () => {
    const headers = headersOf('__proto__: x', 'constructor: y', 'toString: z');
    expect(Object.keys(headers)).toEqual(['__proto__', 'constructor', 'tostring']);
    expect(Object.getPrototypeOf(headers)).toBeNull();
    expect(headersOf('a: b').constructor).toBeUndefined();
  });

  it('takes a view into a larger buffer', () => {
    const whole = bytes(`XXXX${block('mesh-version: 1.0.0')}YYYY`);
    expect(decodeHeaders(whole.subarray(4, whole.length - 4))).toEqual({ 'mesh-version': '1.0.0' });
  });

  it.each(['a\r\nb', 'a\nb', 'a\rb', 'a\0b', '\r\n\r\nPUB x 0'])('never carries %j in a value', (value) => {
    expect(() => encodeHeaders({ 'mesh-version': value })).toThrow(
      expect.objectContaining({ code: 'internal' }),
    );
    expect(() => encodeEvent({ id: ID, version: value, meta: { source: 'http' } })).toThrow();
    // These two may hold anything: they are encoded.
    const event = {
      id: ID,
      contentType: value,
      cloudEvent: { id: value },
      meta: { source: 'http' as const },
    };
    const encoded = encodeEvent(event);
    expect(textIn(encoded).split('\r\n')).toHaveLength(7);
    expect(decodeEvent(decodeHeaders(encoded), mint)).toEqual(event);
  });

  it('carries a lone surrogate as U+FFFD', () => {
    const encoded = encodeEvent({ id: ID, cloudEvent: { id: 'a\ud800b' }, meta: { source: 'http' } });
    expect(decodeEvent(decodeHeaders(encoded), mint).cloudEvent).toEqual({ id: 'a\ufffdb' });
  });

  it('leaves a faulty percent-encoding as it is', () => {
    expect(decodeEvent(headersOf('ce-id: 100%', 'ce-type: %ff'), mint).cloudEvent).toEqual({
      id: '100%',
      type: '%ff',
    });
  });

  it.each([
    [['mesh-id: 42'], 'mesh-id'],
    [['mesh-id: 0190D0C0-0000-7000-8000-00000000002A'], 'mesh-id'],
    [['mesh-id:'], 'mesh-id'],
    [[`mesh-id: ${ID}.>`], 'mesh-id'],
    [['mesh-timeout: 0'], 'mesh-timeout'],
    [['mesh-timeout: -1'], 'mesh-timeout'],
    [['mesh-timeout: 1.5'], 'mesh-timeout'],
    [['mesh-timeout: soon'], 'mesh-timeout'],
    [['mesh-timeout:'], 'mesh-timeout'],
    [['mesh-timeout: Infinity'], 'mesh-timeout'],
    [['mesh-meta: {'], 'mesh-meta'],
    [['mesh-meta: 1'], 'mesh-meta'],
    [['mesh-meta:'], 'mesh-meta'],
    [['mesh-meta: {"source":"fax"}'], 'mesh-meta: source'],
    [['mesh-meta: {"headers":{"a":1}}'], 'mesh-meta: headers.a'],
    [[`mesh-meta: {"method":"${'M'.repeat(40)}"}`], 'mesh-meta: method'],
    [[`mesh-meta: {"caller":"${'c'.repeat(201)}"}`], 'mesh-meta: caller'],
    [['mesh-meta: {"source":null}'], 'mesh-meta: source'],
    [['mesh-meta: {"path":1}'], 'mesh-meta: path'],
    [['mesh-meta: {"query":null}'], 'mesh-meta: query'],
    [['mesh-meta: {"headers":[]}'], 'mesh-meta: headers'],
    [['mesh-meta: {"headers":{"a":["b",1]}}'], 'mesh-meta: headers.a'],
    [['mesh-meta: {"params":{"a":["b"]}}'], 'mesh-meta: params.a'],
    [['mesh-meta: {"attributes":"none"}'], 'mesh-meta: attributes'],
    [['mesh-meta: []'], 'mesh-meta: it'],
    [['mesh-meta: null'], 'mesh-meta: it'],
  ])('%j is refused by name', (lines, name) => {
    expect(() => decodeEvent(headersOf(...lines), mint)).toThrow(
      expect.objectContaining({ code: 'bad-event', detail: expect.stringContaining(`Header ${name}`) }),
    );
  });

  it('passes over what it does not know in meta', () => {
    const meta = {
      source: 'http',
      headers: { a: ['b', 'c'] },
      params: { id: '42' },
      attributes: { n: [1, null] },
    };
    const lines = `mesh-meta: ${JSON.stringify({ ...meta, colour: 'red' })}`;
    expect(decodeEvent(headersOf(lines), mint)).toEqual({ id: ID, meta });
  });

  it('refuses meta that is nested without end', () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    expect(() => decodeEvent(headersOf(`mesh-meta: {"attributes":{"a":${deep}}}`), mint)).toThrow(
      expect.objectContaining({ code: 'bad-event' }),
    );
  });

  it('bounds a time limit that no timer could hold', () => {
    expect(decodeRouting(headersOf('mesh-timeout: 99999999999999'), mint).timeout).toBe(MAX_TIMEOUT_MS);
  });
});

const RESULTS: [string, ResultEnvelope, string][] = [
  [
    'an answer',
    { id: ID, outcome: 'ok', status: 200, version: '1.0.0', contentType: 'application/json' },
    block('content-type: application/json', 'mesh-status: 200', 'mesh-version: 1.0.0', `mesh-id: ${ID}`),
  ],
  [
    'an answer of HTTP',
    {
      id: ID,
      outcome: 'ok',
      status: 302,
      version: '1.0.0',
      meta: { headers: { location: '/ö' }, cookies: ['a=1', 'b=2'] },
    },
    block(
      'mesh-status: 302',
      'mesh-version: 1.0.0',
      `mesh-id: ${ID}`,
      'mesh-meta: {"headers":{"location":"/\\u00f6"},"cookies":["a=1","b=2"]}',
    ),
  ],
  [
    "a handler's no",
    { id: ID, outcome: 'failed', status: 400, version: '1.0.0', contentType: 'application/json' },
    block(
      'content-type: application/json',
      'mesh-status: 400',
      'mesh-version: 1.0.0',
      `mesh-id: ${ID}`,
      'Nats-Service-Error: failed: The handler said no.',
      'Nats-Service-Error-Code: 400',
    ),
  ],
  [
    'an error of the mesh',
    { id: ID, outcome: 'deadline-exceeded', status: 504, contentType: 'application/problem+json' },
    block(
      'content-type: application/problem+json',
      'mesh-status: 504',
      `mesh-id: ${ID}`,
      'Nats-Service-Error: deadline-exceeded: No answer came before the deadline.',
      'Nats-Service-Error-Code: 504',
    ),
  ],
];

describe('a result on the wire', () => {
  it.each(RESULTS)('%s', (_, result, golden) => {
    expect(textIn(encodeResult(result))).toBe(golden);
    expect(decodeResult(decodeHeaders(bytes(golden)))).toEqual(result);
  });

  it.each(Object.keys(ERRORS) as ErrorCode[])('%s comes back as what it was', (outcome) => {
    const result: ResultEnvelope = { id: ID, outcome, status: ERRORS[outcome].status };
    expect(decodeResult(decodeHeaders(encodeResult(result)))).toEqual(result);
  });

  it('is ok when no service error is there, whatever its status', () => {
    expect(decodeResult(headersOf('mesh-status: 500')).outcome).toBe('ok');
  });

  it.each([
    ['no-route', 'no-route'],
    ['failed', 'failed'],
    ['ok: really', 'internal'],
    ['something else', 'internal'],
    ['toString: x', 'internal'],
  ])('reads the service error %j as %s', (text, outcome) => {
    expect(decodeResult(headersOf('mesh-status: 500', `Nats-Service-Error: ${text}`)).outcome).toBe(outcome);
  });

  it.each([
    [[]],
    [['mesh-status: 99']],
    [['mesh-status: 600']],
    [['mesh-status: 2xx']],
    [['mesh-status: 200', 'mesh-meta: {"headers":{"a":1}}']],
    [['mesh-status: 200', 'mesh-meta: {"cookies":"a=1"}']],
    [['mesh-status: 200', 'mesh-meta: nonsense']],
  ])('%j is a mistake of the mesh', (lines) => {
    expect(() => decodeResult(headersOf(...lines))).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});

describe('the status line', () => {
  it.each([
    ['NATS/1.0 503\r\n\r\n', 503],
    ['NATS/1.0 100 Idle Heartbeat\r\n\r\n', 100],
    ['NATS/1.0\r\n\r\n', 0],
    ['NATS/1.0 \r\n\r\n', 0],
    ['NATS/1.0 abc\r\n\r\n', 0],
    ['NATS/1.0 50', 0],
    ['', 0],
  ])('%j is %d', (text, status) => expect(statusOf(bytes(text))).toBe(status));
});

describe('random bytes', () => {
  const random = randomFrom(7);
  const NAMES = [
    'mesh-id',
    'Mesh-Meta',
    'mesh-timeout',
    'CE-ID',
    'content-type',
    '__proto__',
    'nats-service-error',
  ];
  const VALUES = [
    '',
    '{}',
    '[]',
    '{"source":"http"',
    'null',
    '1e9',
    ID,
    '%',
    '%ff',
    '\x00',
    '{"headers":{"__proto__":{}}}',
  ];
  const line = () => `${pickFrom(random, NAMES)}${textOf(random, ': \t', 2)}${pickFrom(random, VALUES)}`;
  const junk = () => textOf(random, '\r\n\0:{}"\\ abc\x80\xff%', between(random, 0, 40));
  const anyBlock = () =>
    bytes(random() < 0.5 ? junk() : `NATS/1.0\r\n${Array.from({ length: 4 }, line).join('\r\n')}${junk()}`);

  it('are an event or bad-event, never anything else', () => {
    let refused = 0;
    for (let i = 0; i < 20_000; i++) {
      try {
        const event = decodeEvent(decodeHeaders(anyBlock()), mint);
        expect(typeof event.meta.source).toBe('string');
      } catch (error) {
        expect(error).toMatchObject({ name: 'MeshError', code: 'bad-event' });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1_000);
  });

  it('are a result or an error of the mesh, never anything else', () => {
    for (let i = 0; i < 20_000; i++) {
      try {
        expect(decodeResult(decodeHeaders(anyBlock())).status).toBeGreaterThan(99);
      } catch (error) {
        expect(error).toMatchObject({ name: 'MeshError', code: 'internal' });
      }
    }
  });
});
