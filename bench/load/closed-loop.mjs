import { HttpConnection } from './connection.mjs';

/** So many connections, one request after the other on each: what there is to be had. @returns {Promise<number>} answers a second */
export async function closedLoop({ url, connections, seconds }) {
  const { port, pathname, search } = new URL(url);
  const request = Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`);
  const from = performance.now();
  const end = from + seconds * 1_000;
  let answers = 0;
  const lane = async () => {
    const connection = new HttpConnection(Number(port));
    while (performance.now() < end && !connection.broken)
      if ((await connection.send(request)) === 200) answers++;
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, lane));
  return (answers * 1_000) / (performance.now() - from);
}
