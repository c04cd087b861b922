import { MeshError } from '../../contracts/src/errors.js';
import { parseJsonBody, tryJson, utf8 } from '../../contracts/src/json-body.js';
import { type MediaType, parseMediaType } from './media-type.js';
import { parseMultipart } from './multipart.js';
import { parseForm } from './pairs.js';
import { decodeText, isUtf8Name } from './text.js';

/** How a body is read, by its content type. */
export type BodyKind = 'json' | 'text' | 'form' | 'multipart' | 'cloudevent' | 'bytes';

/** @throws MeshError `unsupported-media-type` for a kind of structured event that is not JSON */
export function kindOf({ essence }: MediaType): BodyKind {
  if (essence === 'application/json') return 'json';
  if (essence === 'application/x-www-form-urlencoded') return 'form';
  if (essence === 'multipart/form-data') return 'multipart';
  if (essence.startsWith('application/cloudevents')) return cloudEventKind(essence);
  if (essence.endsWith('+json')) return 'json';
  return essence.startsWith('text/') ? 'text' : 'bytes';
}

function cloudEventKind(essence: string): BodyKind {
  if (essence === 'application/cloudevents+json' || essence === 'application/cloudevents')
    return 'cloudevent';
  throw new MeshError(
    'unsupported-media-type',
    'Of structured CloudEvents, single ones in JSON are understood.',
  );
}

/**
 * Decodes a body by its content type; see `HandlerEvent.body`. Multipart alone is asynchronous. A structured event is
 * plain JSON here: unwrapping it is `structured-event`'s matter.
 * @throws MeshError `bad-body`, `unsupported-media-type`
 */
export function decodeBody(bytes: Uint8Array, contentType: string | undefined): unknown {
  // A content type is checked even where there is nothing to decode: one fault, one answer.
  const media = contentType === undefined ? undefined : parseMediaType(contentType);
  const kind = media && kindOf(media);
  if (bytes.length === 0) return null;
  if (!media || !kind) return guess(bytes);
  switch (kind) {
    case 'json':
    case 'cloudevent':
      return decodeJson(bytes, media);
    case 'text':
      return decodeText(bytes, media.charset);
    case 'form':
      return parseForm(decodeText(bytes, media.charset));
    case 'multipart':
      return parseMultipart(bytes, contentType as string);
    case 'bytes':
      return bytes;
  }
}

function decodeJson(bytes: Uint8Array, { charset }: MediaType): unknown {
  if (!isUtf8Name(charset)) throw new MeshError('unsupported-media-type', 'JSON must be UTF-8 (RFC 8259).');
  return parseJsonBody(bytes);
}

/** Without a content type: JSON if it parses, else text if it is UTF-8, else the bytes. */
function guess(bytes: Uint8Array): unknown {
  const text = utf8(bytes);
  if (text === undefined) return bytes;
  const json = tryJson(text, bytes);
  return json ? json.value : text;
}
