import { Router } from '../../dist/apps/ingress-http/src/router.js';
import { routeOf } from './route.mjs';

const LOOK_UPS = 400_000;
const POOL = 20_000;

/**
 * Nanoseconds a look-up in the ingress's router, small and large table interleaved in one process. The paths are
 * strings of their own, as they are when they come from a socket: their hash is not known yet.
 * @param {{ handlers: number, asked: number }[]} tables how many handlers there are, and how many of them are asked for
 * @returns {{ handlers: number, asked: number, nanoseconds: number[] }[]} one figure a round
 */
export function timeLookUps(wanted, rounds) {
  const tables = wanted.map(({ handlers, asked }) => ({
    handlers,
    asked,
    router: routerOf(handlers),
    nanoseconds: [],
  }));
  for (let round = -1; round < rounds; round++)
    for (const table of tables) {
      const nanoseconds = timeOne(table);
      // The first round is for the compiler.
      if (round >= 0) table.nanoseconds.push(nanoseconds);
    }
  return tables.map(({ handlers, asked, nanoseconds }) => ({ handlers, asked, nanoseconds }));
}

function routerOf(handlers) {
  const router = new Router();
  for (let i = 0; i < handlers; i++) {
    const route = routeOf(i);
    router.update(route.path, route);
  }
  return router;
}

function timeOne({ handlers, asked, router }) {
  const step = Math.floor(handlers / asked);
  let spent = 0n;
  for (let done = 0; done < LOOK_UPS; done += POOL) {
    const paths = Array.from({ length: POOL }, (_, i) =>
      fresh(`/${routeOf(((i * 7919) % asked) * step).path}`),
    );
    const started = process.hrtime.bigint();
    for (const path of paths)
      if (router.find('GET', path).kind !== 'match') throw new Error(`nothing at ${path}`);
    spent += process.hrtime.bigint() - started;
  }
  return Number(spent) / LOOK_UPS;
}

const fresh = (text) => Buffer.from(text, 'latin1').latin1Slice();
