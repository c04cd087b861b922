import { HttpConnection } from './connection.mjs';

/** What is refused, or not answered, is not to be had. */
const REFUSED = [0, 429];
const TURN = 100;

/**
 * So many connections, one request after the other on each: what there is to be had of a mix of requests.
 * @param {{ mix: { url: string, share: number }[], connections: number, seconds: number }} load all to one server
 * @returns {Promise<number>} answers a second
 */
export async function closedLoop({ mix, connections, seconds }) {
  const port = Number(new URL(mix[0].url).port);
  const turn = turnOf(mix).map(requestOf);
  let next = 0;
  const from = performance.now();
  const end = from + seconds * 1_000;
  let answers = 0;
  const lane = async () => {
    const connection = new HttpConnection(port);
    while (performance.now() < end && !connection.broken)
      if (!REFUSED.includes(await connection.send(turn[next++ % TURN]))) answers++;
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, lane));
  return (answers * 1_000) / (performance.now() - from);
}

/** The URLs of a hundred requests, each as often as its share and well apart. */
function turnOf(mix) {
  const owed = mix.map(() => 0);
  return Array.from({ length: TURN }, () => {
    mix.forEach(({ share }, n) => {
      owed[n] += share;
    });
    const most = owed.indexOf(Math.max(...owed));
    owed[most]--;
    return mix[most].url;
  });
}

function requestOf(url) {
  const { host, pathname, search } = new URL(url);
  return Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
}
