import { parse } from 'node:querystring';
import { answerTo } from './answer.mjs';
import { serve } from './contender-process.mjs';

/** (0) One process, no messages: what `node:http` itself costs. */
serve((request, response) => {
  const { id } = parse(request.url.slice(request.url.indexOf('?') + 1));
  const body = JSON.stringify(answerTo(id));
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
});
