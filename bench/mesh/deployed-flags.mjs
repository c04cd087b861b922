import { readFileSync } from 'node:fs';
import { load, YAML11_SCHEMA } from 'js-yaml';

const COMPOSE = new URL('../../docker-compose.yml', import.meta.url);
const SERVICE = /\/(dist\/apps\/[\w-]+\/src\/main\.js)$/;

/** Node's flags for each service, as it is deployed. */
const flags = new Map(
  Object.values(load(readFileSync(COMPOSE, 'utf8'), { schema: YAML11_SCHEMA }).services)
    .filter(({ command }) => command?.[0] === 'node')
    .map(({ command }) => [command.at(-1), command.slice(1, -1)]),
);

/** @param {string} file that Node is to run @returns {string[]} none for what is no service of the mesh */
export const deployedFlags = (file) => flags.get(SERVICE.exec(file)?.[1]) ?? [];
