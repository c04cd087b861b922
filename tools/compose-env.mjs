/*
 * Writes `.env` for docker-compose.yml: a random password for each user that it names. What `.env` has already stays,
 * so that it can be run again when a new variable is needed.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url)));
const file = join(root, '.env');

const wanted = new Set(
  [...readFileSync(join(root, 'docker-compose.yml'), 'utf8').matchAll(/\$\{([A-Z_]+):\?/g)].map(
    ([, name]) => name,
  ),
);
const present = existsSync(file) ? readFileSync(file, 'utf8') : '';
const missing = [...wanted].filter((name) => !new RegExp(`^${name}=`, 'm').test(present));
const lines = missing.map((name) => `${name}=${randomBytes(24).toString('hex')}\n`);
const gap = present === '' || present.endsWith('\n') ? '' : '\n';
writeFileSync(file, present + gap + lines.join(''), { mode: 0o600 });
console.log(`${file}: ${missing.length} passwords added, ${wanted.size - missing.length} were there`);
