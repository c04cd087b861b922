import { serve } from '../work/own-process.mjs';
import { OpenLoop } from './open-loop.mjs';

/** Several loads at once, each a URL at a rate for a while; connections are kept from one message to the next. */
const loops = new Map();

function loopOf(url) {
  const known = loops.get(url);
  if (known) return known;
  const made = new OpenLoop(url);
  loops.set(url, made);
  return made;
}

serve(({ loads }) => Promise.all(loads.map(({ url, ...load }) => loopOf(url).run(load))));
