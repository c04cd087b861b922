/**
 * What runs inside a worker, bundled (tools/bundle-workers.mjs): in dist, also when this file itself runs from source,
 * as in a spec.
 */
export const workerFile = (kind: 'thread' | 'process'): URL => {
  const dist = import.meta.url.endsWith('.ts') ? '../../../../dist/' : '../../../../';
  return new URL(`${dist}workers/${kind}-worker.js`, import.meta.url);
};
