import { createServer } from 'node:http';
import { drip } from './handler.mjs';

/** What the same handler costs without a mesh: its pieces, as they come, to whoever asks. */
const server = createServer(async (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  for await (const piece of drip()) response.write(piece);
  response.end();
});

server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
process.once('disconnect', () => process.exit());
