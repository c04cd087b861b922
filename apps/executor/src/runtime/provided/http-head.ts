import { HttpFault } from './http-body.js';

export interface RequestHead {
  readonly method: string;
  /** In origin form. */
  readonly target: string;
  /** A header's value; of several the first. @param name in lower case */
  header(name: string): string | undefined;
}

/** A request line and its headers: RFC 9112, clauses 3 and 5. */
export class Head implements RequestHead {
  readonly method: string;
  readonly target: string;
  readonly #text: string;
  #lower: string | undefined;
  readonly #isOld: boolean;

  /** @throws HttpFault */
  constructor(text: string) {
    const end = text.indexOf('\r\n');
    const [method, target, version, more] = (end < 0 ? text : text.slice(0, end)).split(' ');
    if (!method || !target || !version?.startsWith('HTTP/1.') || more !== undefined)
      throw new HttpFault('Its first line is none of HTTP/1.');
    this.method = method;
    // As to a proxy: clause 3.2.2 has a server take it, too.
    this.target = target.startsWith('/') ? target : target.replace(/^http:\/\/[^/]*/i, '');
    this.#isOld = version === 'HTTP/1.0';
    this.#text = end < 0 ? '' : text.slice(end);
  }

  /** Clause 9.3. */
  get keepsConnection(): boolean {
    const connection = this.header('connection')?.toLowerCase();
    return this.#isOld ? connection === 'keep-alive' : connection !== 'close';
  }

  header(name: string): string | undefined {
    this.#lower ??= this.#text.toLowerCase();
    return fieldOf(this.#text, name, this.#lower);
  }

  /** The value of one that says where the body ends. @throws HttpFault where there are two: clause 6.3 */
  only(name: string): string | undefined {
    this.#lower ??= this.#text.toLowerCase();
    return fieldOf(this.#text, name, this.#lower, true);
  }
}

/**
 * The value of a field in lines that each begin with CRLF; of several the first.
 * @param name in lower case
 * @throws HttpFault of several, where it may be there only once
 */
export function fieldOf(
  lines: string,
  name: string,
  lower: string = lines.toLowerCase(),
  isOnly = false,
): string | undefined {
  const begin = `\r\n${name}:`;
  const at = lower.indexOf(begin);
  if (at < 0) return undefined;
  const from = at + begin.length;
  if (isOnly && lower.includes(begin, from)) throw new HttpFault(`There are two headers ${name}.`);
  const end = lines.indexOf('\r\n', from);
  return lines.slice(from, end < 0 ? undefined : end).trim();
}
