import { readConfig } from '#contracts';
import { type CliConfig, settings } from './config.js';
import { EXIT, type ExitCode } from './exit.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a command knows of where it runs. */
export interface Shell {
  /** The folder that it was called in. */
  readonly folder: string;
  readonly environment: Environment;
  /** With what the command will end. */
  exitCode: ExitCode;
  /** @throws ConfigError */
  config(): CliConfig;
  /** The answer, on stdout. */
  print(text: string): void;
  /** Bytes of an answer, on stdout as they are; a terminal gets a line's end after them. */
  /** @param more follows: a terminal's line is not ended */
  write(bytes: Uint8Array, more?: boolean): void;
  /** Anything beside the answer, on stderr. */
  tell(text: string): void;
  /** Shows on a terminal what is being waited for, and nothing elsewhere. */
  during<T>(what: string, work: () => Promise<T>): Promise<T>;
  /** All of standard input. */
  readInput(): Promise<Buffer>;
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 80;
const CLEAR_LINE = '\r\u001b[2K';

export function shellOf(folder: string, environment: Environment): Shell {
  return {
    folder,
    environment,
    exitCode: EXIT.done,
    config: () => readConfig('mesh', settings, environment),
    print: (text) => void process.stdout.write(`${text}\n`),
    write,
    tell: (text) => void process.stderr.write(`${text}\n`),
    during: (what, work) => (process.stderr.isTTY ? spin(what, work) : work()),
    readInput,
  };
}

async function spin<T>(what: string, work: () => Promise<T>): Promise<T> {
  let frame = 0;
  const draw = () => process.stderr.write(`${CLEAR_LINE}${FRAMES[frame++ % FRAMES.length]} ${what} …`);
  draw();
  const timer = setInterval(draw, FRAME_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    process.stderr.write(CLEAR_LINE);
  }
}

function write(bytes: Uint8Array, more = false): void {
  process.stdout.write(bytes);
  if (!more && process.stdout.isTTY && bytes.length > 0 && bytes.at(-1) !== 0x0a) process.stdout.write('\n');
}

async function readInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
