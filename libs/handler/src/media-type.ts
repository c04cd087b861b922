import { MeshError } from '../../contracts/src/errors.js';

/** A content type, taken apart: RFC 9110, clause 8.3.1. */
export interface MediaType {
  /** `type/subtype` in lower case. */
  readonly essence: string;
  /** The `charset` parameter in lower case. */
  readonly charset?: string;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const ESSENCE = new RegExp(`^${TOKEN}/${TOKEN}$`);
const PARAMETER = new RegExp(`[ \\t]*;[ \\t]*(?:(${TOKEN})=(${TOKEN}|"(?:[^"\\\\]|\\\\.)*"))?`, 'y');
const MAX_LENGTH = 1024;

// Callers use few content types, again and again; bounded, because they choose the text.
const known = new Map<string, MediaType>();
const MAX_KNOWN = 200;

/** @throws MeshError `unsupported-media-type` when it is malformed */
export function parseMediaType(text: string): MediaType {
  const found = known.get(text);
  if (found) return found;
  const parsed = parse(text);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(text, parsed);
  return parsed;
}

function parse(text: string): MediaType {
  const semicolon = text.indexOf(';');
  const essence = (semicolon < 0 ? text : text.slice(0, semicolon)).trim().toLowerCase();
  if (text.length > MAX_LENGTH || !ESSENCE.test(essence)) throw malformed();
  const charset = semicolon < 0 ? undefined : charsetOf(text.trimEnd(), semicolon);
  return charset === undefined ? { essence } : { essence, charset };
}

function charsetOf(text: string, start: number): string | undefined {
  let charset: string | undefined;
  PARAMETER.lastIndex = start;
  while (PARAMETER.lastIndex < text.length) {
    const match = PARAMETER.exec(text);
    if (!match) throw malformed();
    if (match[1]?.toLowerCase() === 'charset') charset ??= unquote(match[2] as string).toLowerCase();
  }
  return charset;
}

function unquote(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
}

const malformed = () => new MeshError('unsupported-media-type', 'The content type is malformed.');
