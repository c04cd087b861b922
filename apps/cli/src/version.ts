import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from './mesh-address.js';

/** Of λ-mesh, which the command is a part of. */
export function meshVersion(): string {
  const { version } = JSON.parse(readFileSync(join(projectFolder(), 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
