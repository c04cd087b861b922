import type { HandlerDescription } from '#lifecycle';
import type { HandlerRecord } from '../catalogue/values.js';

/** A live handler for people and for OpenAPI: its heaviest version speaks for it. None, when nothing is live. */
export function describeHandler({ path, live }: HandlerRecord): HandlerDescription | undefined {
  const manifest = live[0]?.manifest;
  if (!manifest) return undefined;
  const { version, description, meta, triggers } = manifest;
  const about = { path, version, meta, triggers };
  return description === undefined ? about : { ...about, description };
}
