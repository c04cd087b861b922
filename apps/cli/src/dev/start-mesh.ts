import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CliError, EXIT } from '../exit.js';
import { findMeshFile, type MeshFile, projectFolder } from '../mesh-address.js';
import type { Shell } from '../shell.js';

/** An embedded mesh: one that runs already, or one that was started for this command. */
export interface DevMesh {
  readonly file: MeshFile;
  /** Rejects when the mesh ends by itself. */
  readonly ended: Promise<never>;
  stop(): Promise<void>;
}

const READY = 'Ctrl-C stops everything.';

/** @throws CliError when the mesh cannot start, with what it said */
export async function startMesh(shell: Shell, folder: string): Promise<DevMesh> {
  const running = findMeshFile({ ...shell, folder });
  if (running && isAlive(running.pid)) {
    shell.tell(`Using the mesh that runs already: ${running.http}`);
    return { file: running, ended: new Promise(() => undefined), stop: async () => undefined };
  }
  const { dataDir = join(folder, '.mesh') } = shell.config();
  const child = spawnEmbedded(shell, dataDir);
  const said = output(child);
  const ended = new Promise<never>((_, reject) =>
    child.once('exit', (code) =>
      reject(
        new CliError(
          `The mesh ended (${code}).\n${said.text}`,
          'Mend what it says, and start again.',
          EXIT.failed,
        ),
      ),
    ),
  );
  // Stopping makes it end as well; then nobody waits for this.
  ended.catch(() => undefined);
  await shell.during('starting the mesh', () => Promise.race([said.until(READY), ended]));
  const file = findMeshFile({ ...shell, folder, config: () => ({ ...shell.config(), dataDir }) });
  if (!file)
    throw new CliError(`There is no mesh.json in ${dataDir}.`, 'Is another mesh using it?', EXIT.failed);
  shell.tell(`The mesh runs: ${file.http}  registry ${file.registry}  NATS ${file.nats}`);
  return { file, ended, stop: () => stopChild(child) };
}

function spawnEmbedded(shell: Shell, dataDir: string): ChildProcess {
  const main = join(projectFolder(), 'dist', 'apps', 'embedded', 'src', 'main.js');
  if (!existsSync(main))
    throw new CliError(
      'The embedded mesh is not built.',
      `Run npm run build in ${projectFolder()}.`,
      EXIT.failed,
    );
  return spawn(process.execPath, [main], {
    cwd: projectFolder(),
    // The channel is how it notices that this process was killed; its own group keeps a Ctrl-C of the terminal from it.
    env: { ...shell.environment, MESH_DATA_DIR: dataDir, MESH_STOP_WITH_PARENT: '1' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  });
}

function output(child: ChildProcess) {
  const said = { text: '', until: (_text: string): Promise<void> => Promise.resolve() };
  const arrived: (() => void)[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      // The end is what tells why; what a mesh says in hours is not kept.
      said.text = (said.text + chunk.toString()).slice(-16_384);
      for (const check of arrived) check();
    });
  said.until = (text) =>
    new Promise((resolve) => {
      const check = () => said.text.includes(text) && resolve();
      arrived.push(check);
      check();
    });
  return said;
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGINT');
  await gone;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
