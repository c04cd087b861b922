import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';

/** An artifact as the packer makes it, of code that is an ES module already: of code, too, that no packer could load. */
export async function artifactOf(manifest, code) {
  const pack = tar.pack();
  pack.entry({ name: 'manifest.json' }, JSON.stringify(manifest));
  pack.entry({ name: 'handler.mjs' }, code);
  pack.finalize();
  const chunks = [];
  for await (const chunk of pack) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}
