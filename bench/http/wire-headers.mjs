import { headers as clientHeaders } from '@nats-io/transport-node';

/*
 * The wire headers of the mesh in two ways. `own`: one template string out, one scan in; the client asks nothing of
 * headers but `encode()`. `client`: the client's own class, which is what most would use. BENCH_HEADERS chooses.
 */

const EMPTY = new Uint8Array(0);

const own = {
  request: (id, meta) =>
    asHeaders(`NATS/1.0\r\nmesh-id: ${id}\r\nmesh-meta: ${JSON.stringify(meta)}\r\n\r\n`),
  reply: (contentType, status, version, id) =>
    asHeaders(
      `NATS/1.0\r\ncontent-type: ${contentType}\r\nmesh-status: ${status}\r\nmesh-version: ${version}\r\nmesh-id: ${id}\r\n\r\n`,
    ),
  /** The headers and body of a received message; no headers at all where it has none. */
  read({ _msg: { hdr }, _rdata: bytes }) {
    if (hdr < 0) return { headers: {}, body: bytes };
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, hdr).toString();
    return { headers: parseBlock(text), body: hdr < bytes.length ? bytes.subarray(hdr) : EMPTY };
  },
};

function asHeaders(text) {
  const bytes = Buffer.from(text);
  return { encode: () => bytes };
}

function parseBlock(text) {
  const headers = {};
  let start = text.indexOf('\r\n') + 2;
  while (start < text.length - 2) {
    const end = text.indexOf('\r\n', start);
    const colon = text.indexOf(':', start);
    headers[text.slice(start, colon)] = text.slice(colon + 2, end);
    start = end + 2;
  }
  return headers;
}

const NAMES = ['mesh-id', 'mesh-meta', 'content-type', 'mesh-status', 'mesh-version'];

const client = {
  request(id, meta) {
    const headers = clientHeaders();
    headers.append('mesh-id', id);
    headers.append('mesh-meta', JSON.stringify(meta));
    return headers;
  },
  reply(contentType, status, version, id) {
    const headers = clientHeaders();
    headers.append('content-type', contentType);
    headers.append('mesh-status', String(status));
    headers.append('mesh-version', version);
    headers.append('mesh-id', id);
    return headers;
  },
  read({ headers, data }) {
    const plain = {};
    if (headers) for (const name of NAMES) if (headers.has(name)) plain[name] = headers.get(name);
    return { headers: plain, body: data };
  },
};

export const wire = process.env.BENCH_HEADERS === 'client' ? client : own;
