import { MeshError } from '../../contracts/src/errors.js';
import { utf8 } from '../../contracts/src/json-body.js';

const UTF8_NAMES = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii']);

export const isUtf8Name = (charset: string | undefined): boolean =>
  charset === undefined || UTF8_NAMES.has(charset);

/**
 * Bytes as text in a charset (UTF-8 unless stated).
 * @throws MeshError `bad-body` for bytes that the charset does not have, `unsupported-media-type` for an unknown one
 */
export function decodeText(bytes: Uint8Array, charset?: string): string {
  const text = isUtf8Name(charset) ? utf8(bytes) : decodeOther(bytes, charset as string);
  if (text === undefined) throw new MeshError('bad-body', `The body is not ${charset ?? 'utf-8'} text.`);
  return text;
}

function decodeOther(bytes: Uint8Array, charset: string): string | undefined {
  const decoder = decoderFor(charset);
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function decoderFor(charset: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch {
    throw new MeshError('unsupported-media-type', 'The charset is not known.');
  }
}
