import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { parseReference, type Reference } from '#contracts';
import { CliError, EXIT } from '../exit.js';
import { type Answer, exitOf, type Outgoing } from '../invoke/answer.js';
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
      const answer = await shell.during(`calling ${text}`, () => invoke(shell, reference, outgoing, options));
      tell(shell, reference, answer, options);
      shell.exitCode = exitOf(answer);
    });
}

async function invoke(
  shell: Shell,
  reference: Reference,
  outgoing: Outgoing,
  options: Options,
): Promise<Answer> {
  if (options.via === 'http') return overHttp(findHttp(shell, options.url), reference, outgoing);
  const connection = await connectNats(shell, options.nats);
  try {
    return await overNats(connection, reference, outgoing);
  } finally {
    await connection.close();
  }
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

function tell(shell: Shell, { path }: Reference, answer: Answer, { json }: Options): void {
  const { outcome, status, version, id, contentType, body } = answer;
  if (json) {
    shell.print(
      JSON.stringify({ outcome, status, version, id, contentType, body: decoded(answer) }, null, 2),
    );
    return;
  }
  shell.write(body);
  if (outcome === 'ok') return;
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
