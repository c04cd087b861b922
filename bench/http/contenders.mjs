import { startBare, startFloor } from './floor.mjs';
import { startMesh } from './mesh.mjs';
import { startMoleculer, startNest } from './peers.mjs';

const floor = (pair) => (shared) => startFloor(shared, pair);
const mesh = (service) => (shared) => startMesh(shared, service);

const FLOOR = { name: 'floor', ingress: 'floor-ingress', executor: 'floor-executor' };
const HEADERS = { name: 'headers', ingress: 'headers-ingress', executor: 'headers-executor' };
const HOP = { name: 'hop', ingress: 'headers-ingress', executor: 'hop-executor' };

/**
 * Who is compared. `start` gets what they share and gives `{ url, pids }`, the pids by role. An optional one takes part
 * when it is asked for by name; a peer when it is installed.
 */
export const CONTENDERS = [
  { key: 'bare', title: 'bare node:http, no messages', start: startBare },
  { key: 'a', title: 'floor: hand-written, no headers', start: floor(FLOOR) },
  { key: "a'", title: 'floor + wire headers', start: floor(HEADERS) },
  { key: "a''", title: 'floor + headers + thread hop', start: floor(HOP) },
  { key: 'b', title: 'mesh, inline', start: mesh({ name: 'inline', isolation: 'inline' }) },
  { key: 'c', title: 'mesh, thread', start: mesh({ name: 'thread', isolation: 'thread' }) },
  { key: 'nest', title: 'Nest: Fastify + its NATS transport', start: startNest, isPeer: true },
  { key: 'moleculer', title: 'Moleculer: moleculer-web + a node', start: startMoleculer, isPeer: true },
  ...[
    { key: 'a*', title: 'a, a write to NATS a request', start: floor(single(FLOOR)) },
    { key: "a'*", title: "a', a write to NATS a request", start: floor(single(HEADERS)) },
    { key: "a''*", title: "a'', a write to NATS a request", start: floor(single(HOP)) },
    {
      key: 'b0',
      title: 'mesh, inline, no record of what went OK',
      start: mesh({ name: 'inline-unrecorded', isolation: 'inline', auditSample: '0' }),
    },
    {
      key: "a'c",
      title: "a' with the client's header class",
      start: floor({ ...HEADERS, name: 'client', headers: 'client' }),
    },
  ].map((contender) => ({ ...contender, optional: true })),
];

/** As most would write it: nats.js as it is. */
function single(pair) {
  return { ...pair, name: `${pair.name}-single`, writes: 'single' };
}

/** The mesh of another checkout: what a change gained, in one run. */
export const fromCheckout = (checkout) => [
  {
    key: 'b-',
    title: 'mesh of the other checkout, inline',
    start: mesh({ name: 'inline-other', isolation: 'inline', checkout }),
  },
  {
    key: 'c-',
    title: 'mesh of the other checkout, thread',
    start: mesh({ name: 'thread-other', isolation: 'thread', checkout }),
  },
];

/** What is divided by what, round by round. */
export const RATIOS = [
  ['b', "a'"],
  ['c', "a''"],
  ['b', 'nest'],
  ['b', 'moleculer'],
  ['c', 'nest'],
  ['c', 'moleculer'],
  ['a', 'bare'],
  ["a'", 'a'],
  ["a''", "a'"],
  ['c', 'b'],
  ["a'c", "a'"],
  ['a*', 'a'],
  ["a'*", "a'"],
  ["a''*", "a''"],
  ['b', "a'*"],
  ['c', "a''*"],
  ['a*', 'bare'],
  ['b', 'b0'],
  ['b0', "a'"],
  ['b', 'b-'],
  ['c', 'c-'],
];

const PEERS = ['nest', 'moleculer'];

/**
 * What the project promises: the median of a ratio, `cpu` of processor time a request, `perSecond` of requests/s (to the
 * better of several), `alone` of the median latency of one connection.
 */
export const TARGETS = [
  { figure: 'cpu', of: 'b', to: ["a'"], atMost: 1.15 },
  { figure: 'cpu', of: 'c', to: ["a''"], atMost: 1.15 },
  { figure: 'cpu', of: 'a', to: ['bare'], atMost: 4.7 },
  { figure: 'perSecond', of: 'b', to: PEERS, atLeast: 1.5 },
  { figure: 'perSecond', of: 'c', to: PEERS, atLeast: 1.3 },
  { figure: 'alone', of: 'b', to: ["a'"], atMost: 1.2 },
  { figure: 'alone', of: 'c', to: ["a''"], atMost: 1.2 },
];
