import { serve } from '../work/own-process.mjs';
import { closedLoop } from './closed-loop.mjs';
import { OpenLoop } from './open-loop.mjs';

/** By URL and what else they are made with: connections are kept from one message to the next. */
const loops = new Map();

function loopOf(url, options) {
  const key = `${url} ${JSON.stringify(options)}`;
  const known = loops.get(key);
  if (known) return known;
  const made = new OpenLoop(url, options);
  loops.set(key, made);
  return made;
}

/** Several loads at once, each at a rate for a while; or what there is to be had. */
serve(({ loads, closed }) =>
  closed
    ? closedLoop(closed)
    : Promise.all(
        loads.map(({ url, headers, connections, ...load }) =>
          loopOf(url, { headers, connections }).run(load),
        ),
      ),
);
