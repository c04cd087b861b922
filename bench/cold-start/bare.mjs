import { deepStrictEqual } from 'node:assert';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unpack, writeFiles } from '#packer/artifact';
import { answerTo } from '../http/answer.mjs';

const STARTER = fileURLToPath(new URL('./bare-starter.mjs', import.meta.url));

/**
 * A process that starts a bare worker for each handler: one that imports the unpacked bundle, calls it once and posts the
 * answer. It measures by itself, so that no message to it counts.
 */
export async function startBare({ registry, children, packed }, isolation) {
  const files = [];
  for (const { digest, entry } of packed) files.push(await unpackInto(registry, isolation, digest, entry));
  const { process: starter, ...child } = await started(children, isolation);
  const first = async (n) => {
    starter.send(files[n]);
    const [{ ms, answer, fault }] = await once(starter, 'message');
    if (fault) throw new Error(fault);
    deepStrictEqual(answer, answerTo('42'), `bare ${isolation} answered something else`);
    return ms;
  };
  return { ...child, key: `bare ${isolation}`, first };
}

async function unpackInto(registry, isolation, digest, entry) {
  const folder = join(registry.folder, `bare-${isolation}`, digest.slice('sha256:'.length));
  const { files } = await unpack(await registry.read(digest));
  await writeFiles(folder, files);
  return join(folder, entry);
}

async function started(children, isolation) {
  const child = children.start(`bare ${isolation}`, STARTER, { BENCH_ISOLATION: isolation });
  await child.untilReady();
  return child;
}
