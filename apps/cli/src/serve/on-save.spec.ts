import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { onSave } from './on-save.js';

let folder: string;
let end: () => void;
let saves: number;
let wake: () => void;
const told: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-on-save-'));
  for (const name of ['src/deep', 'node_modules/left/right', '.venv/lib', 'env/site-packages/left'])
    mkdirSync(join(folder, name), { recursive: true });
  for (let i = 0; i < 100; i++) write(`src/file${i}.ts`);
  saves = 0;
  wake = () => undefined;
  const saved = () => {
    saves++;
    wake();
  };
  end = onSave(folder, saved, (why) => told.push(why));
});
afterEach(() => {
  end();
  rmSync(folder, { recursive: true, force: true });
});

const write = (name: string) => writeFileSync(join(folder, name), `${Math.random()}`);
/** Resolves at the next save. */
const next = () =>
  new Promise<void>((resolve) => {
    wake = resolve;
  });
const saving = async (save: () => void) => {
  const told = next();
  save();
  await told;
};

describe('a folder that is watched', () => {
  it.each(['total.ts', 'src/file1.ts', 'src/deep/new.py'])('tells of %s', (name) =>
    saving(() => write(name)),
  );

  it('tells of many as of one, and not of what programs and handlers write', async () => {
    write('node_modules/left/index.js');
    write('.venv/lib/one.py');
    write('env/site-packages/left/one.py');
    mkdirSync(join(folder, '__pycache__'));
    write('requests.log');
    mkdirSync(join(folder, 'made-by-a-handler'));
    await saving(() => {
      for (let i = 0; i < 10; i++) write(`src/file${i}.ts`);
    });
    expect(saves).toBe(1);
  });

  it('tells of folders that come with sources, and of what is saved in them', async () => {
    const make = (name: string) => {
      mkdirSync(join(folder, name), { recursive: true });
      write(`${name}/one.ts`);
    };
    await saving(() => make('made/below'));
    await saving(() => write('made/below/one.ts'));
    await saving(() => renameSync(join(folder, 'made'), join(folder, 'src/moved')));
    await saving(() => write('src/moved/below/one.ts'));
    await saving(() => {
      rmSync(join(folder, 'src'), { recursive: true });
      make('src/moved');
    });
    await saving(() => write('src/moved/one.ts'));
    expect(told).toEqual([]);
  });

  it('takes a watch for each folder with sources, whatever is in it', () => {
    end();
    const before = watches();
    end = onSave(folder, wake, wake);
    // The folder itself, src, src/deep, env.
    expect(watches() - before).toBe(4);
    end();
    expect(watches()).toBe(before);
  });
});

/** Of this process, as inotify(7) counts them: proc(5), /proc/pid/fdinfo. */
function watches(): number {
  const files = readdirSync('/proc/self/fdinfo').map((name) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${name}`, 'utf8');
    } catch {
      return '';
    }
  });
  return files.join('').split('inotify wd').length - 1;
}
