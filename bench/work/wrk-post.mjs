import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./wrk-post.lua', import.meta.url));

/**
 * Posts a body over keep-alive connections, asking for `202 Accepted`.
 * @returns {Promise<number>} how many were accepted
 * @throws Error when one was not
 */
export async function acceptedByWrk(url, body, { seconds, connections, signal }) {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', SCRIPT, url, '--', body];
  const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'], signal });
  const output = await text(child.stdout);
  const line = output.split('\n').find((one) => one.startsWith('{'));
  if (!line) throw new Error(`wrk gave no result:\n${output}`);
  const { requests, errors } = JSON.parse(line);
  if (errors > 0) throw new Error(`${errors} of ${requests} were not accepted`);
  return requests;
}
