import { execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const REPORT = fileURLToPath(new URL('./wrk-report.lua', import.meta.url));
const MISSING = 'The load generator `wrk` is not on the PATH. Remedy: apt-get install wrk';

/** @throws Error with a remedy when wrk is not installed */
export function requireWrk() {
  try {
    execFileSync('which', ['wrk'], { stdio: 'ignore' });
  } catch {
    throw new Error(MISSING);
  }
}

/**
 * Loads a URL with GET over keep-alive connections.
 * @param {{ seconds: number, connections: number, signal: AbortSignal }} options whole seconds; the signal ends it early
 * @returns {Promise<{ requests: number, perSecond: number, p50: number, p99: number, errors: number }>} latencies in
 *   milliseconds; an error is a broken connection, a time-out, or an answer that is not 2xx
 */
export async function loadWithWrk(url, { seconds, connections, signal }) {
  const threads = Math.min(connections, 1);
  const args = [`-t${threads}`, `-c${connections}`, `-d${seconds}s`, '--latency', '-s', REPORT, url];
  const output = await outputOf('wrk', args, signal);
  const line = output.split('\n').find((text) => text.startsWith('{'));
  if (!line) throw new Error(`wrk gave no result:\n${output}`);
  const { requests, microseconds, p50, p99, errors } = JSON.parse(line);
  return { requests, perSecond: (requests * 1e6) / microseconds, p50: p50 / 1e3, p99: p99 / 1e3, errors };
}

function outputOf(command, args, signal) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`wrk ended with ${code}:\n${output}`)),
    );
  });
}
