/*
 * The same handlers for both sides: the mesh gets this file's functions as code, the direct server imports them.
 */

const PIECE = 64 * 1024;

/** A first piece at once, the next one after a while. */
export async function* drip() {
  yield Buffer.from('{"n":1}\n');
  await new Promise((done) => setTimeout(done, 20));
  yield Buffer.from('{"n":2}\n');
}

export async function* flood(megabytes) {
  const piece = Buffer.alloc(PIECE, 'x');
  for (let left = megabytes * 16; left > 0; left--) yield piece;
}

/** How many bytes came. */
export async function drain(stream) {
  let bytes = 0;
  for await (const piece of stream) bytes += piece.length;
  return bytes;
}

const PIECE_LINE = `const PIECE = ${PIECE};`;

/** As modules that the mesh runs. */
export const MODULES = {
  drip: `${drip} export default () => drip()`,
  flood: `${PIECE_LINE} ${flood} export default (event) => flood(Number(event.query.mb))`,
  drain: `${drain} export default async (event) => ({ bytes: await drain(event.stream) })`,
};
