import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ANSWER = fileURLToPath(new URL('../http/answer.mjs', import.meta.url));

/**
 * Folders of handlers that differ, so that each has an artifact of its own.
 * @param lines of code that each has besides, all of which is compiled
 */
export async function makeHandlers(count, lines) {
  const root = await mkdtemp(join(tmpdir(), 'lambda-mesh-bench-'));
  const folders = [];
  for (let n = 0; n < count; n++) folders.push(await makeHandler(join(root, String(n)), n, lines));
  return { folders, remove: () => rm(root, { recursive: true, force: true }) };
}

async function makeHandler(folder, n, lines) {
  await mkdir(folder);
  const manifest = { name: `cold-${n}`, private: true, type: 'module', version: '1.0.0' };
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ ...manifest, mesh: { path: 'bench/cold' } }),
  );
  await writeFile(join(folder, 'handler.mjs'), sourceOf(n, lines));
  return folder;
}

const sourceOf = (n, lines) =>
  [
    `import { answerTo } from ${JSON.stringify(ANSWER)};`,
    `export const which = ${n};`,
    'export const more = [',
    ...Array.from({ length: lines }, (_, line) => `  (a, b) => a * ${line} + b.length * ${n},`),
    '];',
    'export default (event) => answerTo(event.query.id);',
    '',
  ].join('\n');
