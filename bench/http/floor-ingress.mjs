import { serve } from './contender-process.mjs';
import { connectAs, publisher, refuse, refuseLate, subject, Waiters } from './floor-nats.mjs';

/** (a) The floor's ingress: the query as the message's body, the reply's body as the answer. */
const nc = await connectAs('ingress');
const publish = publisher(nc);

const waiters = new Waiters(
  nc,
  (response, { data, headers }) => {
    // Only the server itself sends a header here: 503, nobody listens.
    if (headers) return refuse(response, headers.code);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': data.length });
    response.end(data);
  },
  refuseLate,
);

serve((request, response) => {
  const query = request.url.slice(request.url.indexOf('?') + 1);
  publish(subject, query, { reply: waiters.add(response) });
});
