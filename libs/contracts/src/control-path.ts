import { MeshError } from './errors.js';

/**
 * A control path: `segment(/segment)*`, 1–8 segments, each `[a-z0-9][a-z0-9_-]{0,62}`, 200 characters at
 * most. The alphabet is the common subset of URL path, MQTT topic, NATS subject, SQS attribute and file name,
 * so a path is never escaped anywhere.
 */
export type ControlPath = string & { readonly __brand: 'ControlPath' };

/** A handler, and optionally which of its versions: `users/find`, `users/find@1.2.0`, `users/find@canary`. */
export interface Reference {
  readonly path: ControlPath;
  /** A semantic version or an alias; absent: the route decides. */
  readonly version?: string;
}

export const MAX_PATH_LENGTH = 200;
export const MAX_SEGMENTS = 8;

/** First segments that belong to the mesh's own HTTP surface. */
export const RESERVED_FIRST_SEGMENTS: ReadonlySet<string> = new Set([
  'health',
  'metrics',
  'docs',
  'openapi',
  'invocations',
  'v1',
  'console',
  '2015-03-31',
  '2021-11-15',
]);

const SEGMENT = /^[a-z0-9][a-z0-9_-]{0,62}$/;
// https://semver.org, clause 2, 9 and 10; length bounded because it travels in headers and file names.
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;
const ALIAS = /^[a-z][a-z0-9_-]{0,62}$/;
const MAX_VERSION_LENGTH = 64;

/** Says why `text` is no control path, or `undefined` when it is one. */
export function controlPathFault(text: unknown): string | undefined {
  if (typeof text !== 'string') return `a control path is a string, not ${typeof text}`;
  if (text === '') return 'a control path has at least one segment';
  if (text.length > MAX_PATH_LENGTH) return `a control path has at most ${MAX_PATH_LENGTH} characters`;
  const segments = text.split('/');
  if (segments.length > MAX_SEGMENTS) return `a control path has at most ${MAX_SEGMENTS} segments`;
  for (const segment of segments) {
    const fault = segmentFault(segment);
    if (fault) return fault;
  }
  if (RESERVED_FIRST_SEGMENTS.has(segments[0] as string))
    return `"${segments[0]}" is kept for the mesh itself; choose another first segment`;
  return undefined;
}

function segmentFault(segment: string): string | undefined {
  if (segment === '') return 'a control path has no empty segment: no "/" at either end, no "//"';
  if (segment.length > 63) return 'a segment has at most 63 characters';
  if (!SEGMENT.test(segment))
    return `segment ${JSON.stringify(segment)} must match [a-z0-9][a-z0-9_-]*: lower-case letters, digits, "_" and "-"`;
  return undefined;
}

export function isControlPath(text: unknown): text is ControlPath {
  return controlPathFault(text) === undefined;
}

/** @throws MeshError `bad-path` with the reason. */
export function parseControlPath(text: unknown): ControlPath {
  const fault = controlPathFault(text);
  if (fault) throw new MeshError('bad-path', fault);
  return text as ControlPath;
}

export function isVersion(text: string): boolean {
  return text.length <= MAX_VERSION_LENGTH && SEMVER.test(text);
}

export function isAlias(text: string): boolean {
  return ALIAS.test(text);
}

/** Parses `path` or `path@version-or-alias`. @throws MeshError `bad-path` with the reason. */
export function parseReference(text: string): Reference {
  const at = text.indexOf('@');
  if (at < 0) return { path: parseControlPath(text) };
  return { path: parseControlPath(text.slice(0, at)), version: parseVersionOrAlias(text.slice(at + 1)) };
}

export function formatReference({ path, version }: Reference): string {
  return version === undefined ? path : `${path}@${version}`;
}

/** @throws MeshError `bad-path` when `text` is neither a semantic version nor an alias. */
export function parseVersionOrAlias(text: string): string {
  if (isVersion(text) || isAlias(text)) return text;
  throw new MeshError(
    'bad-path',
    'after "@" comes a semantic version such as 1.2.0 or an alias such as canary',
  );
}
