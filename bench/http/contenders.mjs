import { startBare, startFloor } from './floor.mjs';
import { startMesh } from './mesh.mjs';

/** Who is compared. `start` gets what they share and gives `{ url, pids }`, the pids by role. */
export const CONTENDERS = [
  { key: 'bare', title: 'bare node:http, no messages', start: startBare },
  {
    key: 'a',
    title: 'floor: hand-written, no headers',
    start: (shared) =>
      startFloor(shared, { name: 'floor', ingress: 'floor-ingress', executor: 'floor-executor' }),
  },
  {
    key: "a'",
    title: 'floor + wire headers',
    start: (shared) =>
      startFloor(shared, { name: 'headers', ingress: 'headers-ingress', executor: 'headers-executor' }),
  },
  {
    key: "a''",
    title: 'floor + headers + thread hop',
    start: (shared) =>
      startFloor(shared, { name: 'hop', ingress: 'headers-ingress', executor: 'hop-executor' }),
  },
  {
    key: 'b',
    title: 'mesh, inline',
    start: (shared) => startMesh(shared, { name: 'inline', isolation: 'inline' }),
  },
  {
    key: 'c',
    title: 'mesh, thread',
    start: (shared) => startMesh(shared, { name: 'thread', isolation: 'thread' }),
  },
  {
    key: "a'c",
    title: "a' with the client's header class",
    optional: true,
    start: (shared) =>
      startFloor(shared, {
        name: 'client',
        ingress: 'headers-ingress',
        executor: 'headers-executor',
        headers: 'client',
      }),
  },
];

/** Ratios of processor time a request, with what the project promises of them. */
export const RATIOS = [
  { of: 'b', to: "a'", atMost: 1.3 },
  { of: 'c', to: "a''", atMost: 1.3 },
  { of: 'a', to: 'bare', atMost: 4.7 },
  { of: "a'", to: 'a' },
  { of: "a''", to: "a'" },
  { of: 'c', to: 'b' },
  { of: "a'c", to: "a'" },
];
