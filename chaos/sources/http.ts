import { PATH } from '../services.ts';
import { type Acknowledgement, NotAcknowledged, type Source } from './source.ts';

const LIMIT_MS = 20_000;
/** Of the results of asynchronous calls; all of them would be longer asked for than sent. */
const RESULTS_ASKED = 2_000;

/** Callers that wait for the answer; each goes to another ingress when one does not answer. */
export function httpSource(urls: readonly string[]): Source {
  const post = poster(urls);
  return {
    name: 'http',
    mix: { slow: 30, refuse: 10 },
    lanes: 12,
    ordered: false,
    send: async (event) => {
      const { status, text } = await post(event, {});
      if (status === 200) return 'accepted';
      return status === 400 ? 'refused' : unacknowledged(status, text);
    },
    close: () => Promise.resolve(),
  };
}

/** Callers that ask for an answer later, under a key of their own, so that sending again is the same event. */
export function asyncSource(urls: readonly string[]): Source {
  const post = poster(urls);
  const locations = new Map<string, string>();
  return {
    name: 'async',
    mix: { slow: 30, refuse: 10, flaky: 10, poison: 3 },
    lanes: 12,
    ordered: false,
    send: async (event) => {
      const headers = { prefer: 'respond-async', 'idempotency-key': event.id };
      const { status, text, location } = await post(event, headers);
      if (status !== 202 || location === null) return unacknowledged(status, text);
      locations.set(event.id, location);
      return 'accepted';
    },
    broken: () => withoutResult(urls[0] as string, everyNth([...locations], RESULTS_ASKED)),
    close: () => Promise.resolve(),
  };
}

function poster(urls: readonly string[]) {
  let next = 0;
  return async (event: object, headers: Record<string, string>) => {
    const response = await fetch(`${urls[next++ % urls.length]}/${PATH}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(event),
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    return {
      status: response.status,
      text: await response.text(),
      location: response.headers.get('location'),
    };
  };
}

/** Evenly picked, so many of them. */
function everyNth<T>(list: readonly T[], most: number): T[] {
  const step = Math.max(1, list.length / most);
  return Array.from({ length: Math.min(most, list.length) }, (_, n) => list[Math.floor(n * step)] as T);
}

/** Who was told 202 finds a result where it was told to look: a 202 that hides a failure is none. */
async function withoutResult(url: string, asked: readonly (readonly [string, string])[]): Promise<string[]> {
  const broken: string[] = [];
  for (const [id, location] of asked) {
    const response = await fetch(url + location, { signal: AbortSignal.timeout(LIMIT_MS) });
    const text = await response.text();
    if (!text.includes('"status":"done"')) broken.push(`${id}: ${response.status} ${text.slice(0, 200)}`);
  }
  return broken;
}

function unacknowledged(status: number, text: string): Acknowledgement {
  throw new NotAcknowledged(`${status} ${/"code":"[^"]*"|"type":"[^"]*"/.exec(text)?.[0] ?? ''}`.trim());
}
