import { matchesGlob } from 'node:path';
import { z } from 'zod';
import { type ControlPath, DEFAULT_POOL } from '#contracts';

/** Executors that share one consumer, and the paths whose work they take. */
export interface Pool {
  readonly name: string;
  /** Such as `video/**`; in the language of MESH_HANDLERS. */
  readonly patterns: readonly string[];
}

const POOL = /^([a-z0-9][a-z0-9_-]{0,31})=([a-z0-9_*/?,{}![\]\s-]+)$/;

/** `heavy=video/**,reports/*;gpu=ml/**` */
export const poolList = z.string().transform((text, context): Pool[] => {
  const parts = text.split(';').map((part) => part.trim());
  const pools = parts.filter((part) => part !== '').map(poolOf);
  const names = pools.map((pool) => pool?.name);
  const isWhole = pools.every((pool) => pool !== undefined);
  if (isWhole && new Set(names).size === names.length && !names.includes(DEFAULT_POOL)) return pools;
  context.addIssue(isWhole ? 'names a pool twice, or the default one' : 'not a list of name=patterns');
  return z.NEVER;
});

function poolOf(text: string): Pool | undefined {
  const [, name, list = ''] = POOL.exec(text) ?? [];
  const patterns = list
    .split(',')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '');
  return name === undefined || patterns.length === 0 ? undefined : { name, patterns };
}

/** The pool that takes a path's work: the first that names it, else the default one. */
export function poolOfPath(pools: readonly Pool[], path: ControlPath): string {
  const found = pools.find(({ patterns }) => patterns.some((pattern) => matchesGlob(path, pattern)));
  return found?.name ?? DEFAULT_POOL;
}
