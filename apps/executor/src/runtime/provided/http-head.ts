import { HttpFault } from './http-body.js';

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** A header's value; of several the first. @param name in lower case */
  header(name: string): string | undefined;
}

/** A request line and its headers. */
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
      throw new HttpFault('request-line');
    this.method = method;
    this.target = target;
    this.#isOld = version === 'HTTP/1.0';
    this.#text = end < 0 ? '' : text.slice(end);
  }

  /** RFC 9112, clause 9.3. */
  get keepsConnection(): boolean {
    const connection = this.header('connection')?.toLowerCase();
    return this.#isOld ? connection === 'keep-alive' : connection !== 'close';
  }

  header(name: string): string | undefined {
    this.#lower ??= this.#text.toLowerCase();
    return fieldOf(this.#text, name, this.#lower);
  }
}

/** The value of a field in lines that each begin with CRLF. @param name in lower case */
export function fieldOf(
  lines: string,
  name: string,
  lower: string = lines.toLowerCase(),
): string | undefined {
  const at = lower.indexOf(`\r\n${name}:`);
  if (at < 0) return undefined;
  const from = at + name.length + 3;
  const end = lines.indexOf('\r\n', from);
  return lines.slice(from, end < 0 ? undefined : end).trim();
}
