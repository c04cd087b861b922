import { v7 as uuidv7 } from 'uuid';
import { serve } from './contender-process.mjs';
import { connectAs, publisher, refuse, refuseLate, subject, Waiters } from './floor-nats.mjs';
import { wire } from './wire-headers.mjs';

/** (a′, a″) The floor's ingress with the wire headers of the mesh both ways. */
const nc = await connectAs('ingress');
const publish = publisher(nc);
const NO_BODY = new Uint8Array(0);

const waiters = new Waiters(
  nc,
  (response, message) => {
    const { headers, body } = wire.read(message);
    const status = headers['mesh-status'];
    if (status === undefined) return refuse(response, 503);
    response.writeHead(Number(status), {
      'mesh-id': headers['mesh-id'],
      'mesh-version': headers['mesh-version'],
      'content-type': headers['content-type'],
      'content-length': body.length,
    });
    response.end(body);
  },
  refuseLate,
);

serve((request, response) => {
  const { url, method, headers } = request;
  const mark = url.indexOf('?');
  const meta = { source: 'http', method, path: url.slice(0, mark), query: url.slice(mark + 1), headers };
  publish(subject, NO_BODY, {
    reply: waiters.add(response),
    headers: wire.request(uuidv7(), meta),
  });
});
