import type { HandlerDescription } from '#lifecycle';
import type { HandlerRecord } from '../catalogue/values.js';

/** A live handler for people and for OpenAPI: its heaviest version speaks for it. */
export function describeHandler({ path, live }: HandlerRecord): HandlerDescription {
  const manifest = live[0]?.manifest;
  if (!manifest) throw new Error(`the route of ${path} has no version`);
  const { version, description, meta, triggers } = manifest;
  const about = { path, version, meta, triggers };
  return description === undefined ? about : { ...about, description };
}
