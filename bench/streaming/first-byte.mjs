import { Agent, request } from 'node:http';
import { quantile } from '../measure/statistics.mjs';

const WARM_UP = 50;

/**
 * Milliseconds until the first byte of the body, of both by turns.
 * @returns {Promise<{ mesh: number, direct: number, later: number }>} medians, and the median of the differences of each turn
 */
export async function firstBytes(urls, { turns, signal }) {
  const agent = new Agent({ keepAlive: true });
  const [mesh, direct] = [[], []];
  try {
    for (let turn = -WARM_UP; turn < turns; turn++) {
      signal.throwIfAborted();
      const [one, other] = [await firstByte(urls.mesh, agent), await firstByte(urls.direct, agent)];
      if (turn < 0) continue;
      mesh.push(one);
      direct.push(other);
    }
  } finally {
    agent.destroy();
  }
  const later = quantile(
    mesh.map((ms, turn) => ms - direct[turn]),
    0.5,
  );
  return { mesh: quantile(mesh, 0.5), direct: quantile(direct, 0.5), later };
}

/** The connection is free for the next when all has been read. */
function firstByte(url, agent) {
  return new Promise((resolve, reject) => {
    const from = performance.now();
    let first;
    const outgoing = request(url, { agent }, (response) => {
      response.on('data', () => {
        first ??= performance.now() - from;
      });
      response.on('end', () =>
        response.statusCode === 200
          ? resolve(first)
          : reject(new Error(`${url} answered ${response.statusCode}`)),
      );
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
