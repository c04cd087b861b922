import type { Bundle } from './bundle.js';
import { MAX_FILES, MAX_PACKED_BYTES, MAX_UNPACKED_BYTES } from './limits.js';
import { PackError } from './pack-error.js';

export interface SizeLimits {
  readonly packed: number;
  readonly unpacked: number;
}
export const SIZE_LIMITS: SizeLimits = { packed: MAX_PACKED_BYTES, unpacked: MAX_UNPACKED_BYTES };

const SHOWN = 5;
// Of a tar: each file has a header of 512 bytes and is filled up to 512; the end is 1024.
const BLOCK = 512;

/**
 * Refused here rather than by the registry, because only here it is known what is large.
 * @throws PackError `too-large` naming the largest packages and files
 */
export function checkSize(
  artifact: Uint8Array,
  files: ReadonlyMap<string, Uint8Array>,
  { inputs }: Pick<Bundle, 'inputs'>,
  limits: SizeLimits = SIZE_LIMITS,
): void {
  const unpacked = [...files.values()].reduce(
    (sum, { length }) => sum + BLOCK + Math.ceil(length / BLOCK) * BLOCK,
    2 * BLOCK,
  );
  const fault =
    faultOf('', artifact.length, limits.packed) ??
    faultOf(' unpacked', unpacked, limits.unpacked) ??
    (files.size > MAX_FILES ? `${files.size} files, and ${MAX_FILES} is the most` : undefined);
  if (fault === undefined) return;
  throw new PackError(
    'too-large',
    `The artifact has ${fault}. What is large in it:\n${largest(files, inputs).join('\n')}\n`,
    'Leave out what the handler does not need, import the part of a package that it uses, or read large data from a store.',
  );
}

const faultOf = (what: string, bytes: number, limit: number): string | undefined =>
  bytes > limit ? `${sizeText(bytes)}${what}, and ${sizeText(limit)} is the most` : undefined;

function largest(files: ReadonlyMap<string, Uint8Array>, inputs: Bundle['inputs']): string[] {
  const sizes = new Map<string, number>();
  for (const [path, bytes] of inputs) add(sizes, packageOf(path), bytes);
  for (const [name, { length }] of files) if (!name.startsWith('handler.mjs')) add(sizes, name, length);
  return [...sizes]
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN)
    .map(([name, bytes]) => `  ${sizeText(bytes).padStart(9)}  ${name}`);
}

const add = (sizes: Map<string, number>, name: string, bytes: number) =>
  sizes.set(name, (sizes.get(name) ?? 0) + bytes);

/** A package stands for its files. */
function packageOf(path: string): string {
  const inside = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  if (!path.includes('node_modules/')) return path;
  return inside
    .split('/')
    .slice(0, inside.startsWith('@') ? 2 : 1)
    .join('/');
}

/** `512 B`, `1.5 KiB`, `64.0 MiB` */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
