import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { parseReference, type Reference } from '#contracts';
import type { Connection } from '#fabric';
import { CliError, EXIT } from '../exit.js';
import { type Answer, exitOf, type Outgoing, takeRest } from '../invoke/answer.js';
import { overHttp } from '../invoke/over-http.js';
import { overNats } from '../invoke/over-nats.js';
import { findHttp } from '../mesh-address.js';
import { connectNats } from '../nats.js';
import { collect, localCommand, numberArgument, pairArgument, wrong } from '../remote.js';
import type { Shell } from '../shell.js';

interface Options {
  readonly query?: readonly string[];
  readonly header?: readonly string[];
  readonly body?: string;
  readonly file?: string;
  readonly contentType?: string;
  readonly method?: string;
  readonly via: 'http' | 'nats';
  readonly timeout: number;
  readonly url?: string;
  readonly nats?: string;
  readonly json?: boolean;
}

export function invokeCommand(shell: Shell): Command {
  return localCommand('invoke', 'Calls a handler: the answer on stdout, the exit code by its outcome.', [
    'invoke users/find --query id=42',
    `invoke orders/total@canary --body '{"items":[1,2]}'`,
    'invoke files/gzip --file picture.png > picture.png.gz',
    `echo '{"id":"42"}' | mesh invoke users/find --file - --via nats --json`,
  ])
    .argument('<reference>', 'control path, with @version or @alias if one is wanted')
    .option('-q, --query <name=value>', 'what is asked with; may be given several times', collect)
    .option('-H, --header <name=value>', 'a header, over HTTP only; may be given several times', collect)
    .option('-b, --body <text>', 'the body')
    .option('-f, --file <file>', 'the body from a file; - is standard input')
    .option('--content-type <type>', 'of the body; otherwise JSON if it is JSON, else by its look')
    .option('-X, --method <method>', 'over HTTP; otherwise POST with a body, else GET')
    .addOption(
      new Option('--via <way>', 'through the HTTP ingress, or straight over NATS')
        .choices(['http', 'nats'])
        .default('http'),
    )
    .option('--timeout <ms>', 'how long the handler may take', numberArgument, 30_000)
    .option('--url <url>', 'HTTP ingress; otherwise MESH_HTTP_URL, or mesh.json')
    .option('--nats <url>', 'NATS server; otherwise MESH_NATS_URL, or mesh.json')
    .action(async (text: string, options: Options) => {
      const reference = referenceOf(text);
      const outgoing = await outgoingOf(shell, options);
      const connection = options.via === 'nats' ? await connectNats(shell, options.nats) : undefined;
      try {
        const call = () => invoke(shell, connection, reference, outgoing, options);
        const answer = await shell.during(`calling ${text}`, call);
        shell.exitCode = exitOf(await tell(shell, reference, answer, options));
      } finally {
        await connection?.close();
      }
    });
}

function invoke(
  shell: Shell,
  connection: Connection | undefined,
  reference: Reference,
  outgoing: Outgoing,
  { url }: Options,
): Promise<Answer> {
  if (connection) return overNats(connection, reference, outgoing);
  return overHttp(findHttp(shell, url), reference, outgoing);
}

function referenceOf(text: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    throw wrong((error as Error).message, 'Write it like users/find, users/find@1.2.0 or users/find@canary.');
  }
}

async function outgoingOf(shell: Shell, options: Options): Promise<Outgoing> {
  const { query = [], header = [], method, timeout, via } = options;
  const body = await bodyOf(shell, options);
  if (via === 'nats' && (header.length > 0 || method !== undefined))
    throw wrong('Headers and methods are of HTTP.', 'Leave them out, or call --via http.');
  if (via === 'nats' && query.length > 0 && body !== undefined)
    throw wrong('Over NATS the body alone says what is asked.', 'Give either --query or a body.');
  return {
    query: query.map(pairArgument),
    headers: header.map(pairArgument),
    body,
    contentType: options.contentType ?? contentTypeOf(body),
    method: method?.toUpperCase(),
    timeout,
  };
}

async function bodyOf(shell: Shell, { body, file }: Options): Promise<Uint8Array | undefined> {
  if (body !== undefined && file !== undefined)
    throw wrong('There are two bodies.', 'Give --body or --file.');
  if (body !== undefined) return Buffer.from(body);
  if (file === undefined) return undefined;
  if (file === '-') return shell.readInput();
  return readFile(resolve(shell.folder, file)).catch((error: NodeJS.ErrnoException) => {
    throw new CliError(
      `${file} cannot be read (${error.code}).`,
      'Name a file, or - for standard input.',
      EXIT.usage,
    );
  });
}

/** JSON says so; of anything else the handler judges by its bytes. */
function contentTypeOf(body: Uint8Array | undefined): string | undefined {
  if (body === undefined) return undefined;
  try {
    JSON.parse(Buffer.from(body).toString());
    return 'application/json';
  } catch {
    return undefined;
  }
}

/** An answer in pieces as they come; as JSON when it is whole. @returns with the outcome that it has in the end */
async function tell(shell: Shell, reference: Reference, begun: Answer, { json }: Options): Promise<Answer> {
  const pieces = [begun.body];
  if (!json) shell.write(begun.body, begun.rest !== undefined);
  const answer = await takeRest(begun, (piece) => {
    if (json) pieces.push(piece);
    else shell.write(piece, true);
  });
  if (json) tellJson(shell, { ...answer, body: Buffer.concat(pieces) });
  else if (answer.outcome !== 'ok') tellFailure(shell, reference, answer);
  return answer;
}

function tellJson(shell: Shell, answer: Answer): void {
  const { outcome, status, version, id, contentType } = answer;
  shell.print(JSON.stringify({ outcome, status, version, id, contentType, body: decoded(answer) }, null, 2));
}

function tellFailure(shell: Shell, { path }: Reference, { outcome, status, version, id }: Answer): void {
  const hint = HINTS[outcome];
  shell.tell(
    `✗ ${path}${version ? `@${version}` : ''}: ${outcome} (${status})  mesh-id ${id || 'none'}${hint ? `\n  → ${hint}` : ''}`,
  );
}

/** What to do about outcomes that are not the handler's own. */
const HINTS: Readonly<Record<string, string>> = {
  'no-route':
    'See what is live: mesh list. A handler with HTTP triggers of its own answers there, and here --via nats.',
  'no-version': 'See its versions: mesh versions <path>',
  'no-executor': 'Is one running? mesh doctor',
  'not-connected': 'Is NATS running? mesh doctor',
  unauthorized: "This ingress wants a token: -H authorization='Bearer …'",
  'method-not-allowed': 'Name another method: -X POST',
  'broken-off': "It came in pieces, and not all of them: the executor's log may say why.",
  'handler-error': "It threw: the executor's log has the error.",
  'deadline-exceeded': 'Give it more time: --timeout <ms>',
};

/** JSON as it is, text as text, anything else as base64. */
function decoded({ body, contentType = '' }: Answer): unknown {
  const text = Buffer.from(body).toString();
  if (/^application\/(.*\+)?json\b/.test(contentType)) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return Buffer.from(text).equals(Buffer.from(body))
    ? text
    : { base64: Buffer.from(body).toString('base64') };
}
