import { isUtf8 } from 'node:buffer';
import { MeshError } from '#contracts';

/*
 * What of a request's target is text: it must be valid UTF-8 without control characters once decoded, so that
 * neither a handler nor what it talks to has to think of NUL, CR and LF.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const NON_ASCII = /[\x80-\xff]/;
const PLAIN = /^[\x21-\x7e]*$/;

/** Decodes a path parameter once. @throws MeshError `bad-request` */
export function decodeParams(params: Readonly<Record<string, string>>): Record<string, string> {
  const decoded: Record<string, string> = Object.create(null);
  for (const name in params) {
    const text = params[name] as string;
    if (!PLAIN.test(text)) throw notPlain(`The parameter ${name}`);
    decoded[name] = decodeText(text, `the parameter ${name}`);
  }
  return decoded;
}

/** Checks a raw query string, which is passed on as it is. @throws MeshError `bad-request` */
export function checkQuery(query: string): void {
  if (!PLAIN.test(query)) throw notPlain('The query');
  if (query.includes('%')) decodeText(query, 'the query');
}

/**
 * Checks header values, which Node gives as Latin-1. @throws MeshError `bad-request` for bytes that are no UTF-8:
 * a handler could not tell what they are (RFC 9110, clause 5.5, calls them opaque).
 */
export function checkHeader(name: string, value: string): void {
  if (NON_ASCII.test(value) && !isUtf8(Buffer.from(value, 'latin1')))
    throw new MeshError('bad-request', `The header ${name} is not valid UTF-8.`);
}

const notPlain = (what: string) =>
  new MeshError('bad-request', `${what} holds characters that must be percent-encoded.`);

function decodeText(text: string, what: string): string {
  const decoded = percentDecode(text, what);
  if (CONTROL.test(decoded)) throw new MeshError('bad-request', `There are control characters in ${what}.`);
  return decoded;
}

function percentDecode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new MeshError('bad-request', `The percent-encoding of ${what} is not valid UTF-8.`);
  }
}
