import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { FAIL, handler, OK } from '@lambda-mesh/handler';

const compress = promisify(gzip);

export default handler('files/gzip', { version: '1.0.0' }, async ({ raw }, context) => {
  // `raw` is what was sent, byte for byte; `body` would be decoded by its content type.
  if (raw.length === 0) return context(FAIL, { error: 'Send a file as the body' });
  const zipped = await compress(raw);
  const headers = { 'content-type': 'application/gzip', 'x-original-length': raw.length };
  return context(OK, zipped, { headers });
});
