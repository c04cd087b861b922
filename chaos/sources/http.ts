import { PATH } from '../services.ts';
import { type Acknowledgement, NotAcknowledged, type Source } from './source.ts';

const LIMIT_MS = 20_000;

/** Callers that wait for the answer; each goes to another ingress when one does not answer. */
export function httpSource(urls: readonly string[]): Source {
  const post = poster(urls);
  return {
    name: 'http',
    mix: { refuse: 10 },
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
  return {
    name: 'async',
    mix: { refuse: 10, flaky: 10, poison: 3 },
    lanes: 12,
    ordered: false,
    send: async (event) => {
      const headers = { prefer: 'respond-async', 'idempotency-key': event.id };
      const { status, text } = await post(event, headers);
      // A key that is known already, with its event done, is as good as accepted.
      return status === 202 || status === 200 ? 'accepted' : unacknowledged(status, text);
    },
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
    return { status: response.status, text: await response.text() };
  };
}

function unacknowledged(status: number, text: string): Acknowledgement {
  throw new NotAcknowledged(`${status} ${/"code":"[^"]*"|"type":"[^"]*"/.exec(text)?.[0] ?? ''}`.trim());
}
