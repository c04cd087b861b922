import { readFileSync } from 'node:fs';
import { load, YAML11_SCHEMA } from 'js-yaml';

const COMPOSE = new URL('../../docker-compose.yml', import.meta.url);
const SERVICE = /\/(dist\/apps\/[\w-]+\/src\/main\.js)$/;
/** What the mesh is compared with has the flags of what it is compared with: it is the code that shall differ. */
const COMPARED = /\/bench\/(http|peers)\/[\w/-]+\.mjs$/;
const EXECUTOR = 'dist/apps/executor/src/main.js';

/** Node's flags for each service, as it is deployed. */
const flags = new Map(
  Object.values(load(readFileSync(COMPOSE, 'utf8'), { schema: YAML11_SCHEMA }).services)
    .filter(({ command }) => command?.[0] === 'node')
    .map(({ command }) => [command.at(-1), command.slice(1, -1)]),
);

/** @param {string} file that Node is to run @returns {string[]} */
export const deployedFlags = (file) =>
  flags.get(COMPARED.test(file) ? EXECUTOR : SERVICE.exec(file)?.[1]) ?? [];
