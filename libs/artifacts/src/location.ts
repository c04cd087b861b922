import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';

/** Where blobs lie. */
export type Location =
  | { readonly kind: 'file'; readonly folder: string }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      /** Without a slash at either end; may be empty. */
      readonly prefix: string;
    }
  | { readonly kind: 'nats'; readonly bucket: string };
export type LocationKind = Location['kind'];

// AWS's own rule is narrower; servers that speak like S3 take more, and nothing that leads out of a URL's path.
const S3_BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
// What nats.js takes.
const NATS_BUCKET = /^[A-Za-z0-9_-]{1,200}$/;

const EXAMPLES: Readonly<Record<LocationKind, string>> = {
  file: 'file:///var/lib/mesh/artifacts',
  s3: 's3://bucket/prefix',
  nats: 'nats://mesh_artifacts',
};

/** Why a text names no place of these kinds; absent when it does. */
type Parsed = { readonly location: Location } | { readonly fault: string };

/**
 * Reads one of the three forms.
 * @param kinds those that are wanted here
 */
export function parseLocation(text: string, kinds: readonly LocationKind[]): Parsed {
  const [, scheme = '', rest = ''] = /^([a-z0-9]+):\/\/(.*)$/s.exec(text) ?? [];
  if (!kinds.includes(scheme as LocationKind))
    return { fault: `not one of ${kinds.map((kind) => EXAMPLES[kind]).join(' ')}` };
  switch (scheme as LocationKind) {
    case 'file':
      return parseFile(text);
    case 's3':
      return parseS3(rest);
    case 'nats':
      return parseNats(rest);
  }
}

function parseFile(text: string): Parsed {
  if (!URL.canParse(text)) return { fault: 'not a URL' };
  const url = new URL(text);
  if (url.host !== '') return { fault: 'names a host; before the path come three slashes' };
  if (url.search !== '' || url.hash !== '') return { fault: 'holds ? or #; write them as %3F and %23' };
  try {
    return { location: { kind: 'file', folder: fileURLToPath(url) } };
  } catch {
    return { fault: 'not the URL of a file' };
  }
}

/** As `aws s3` reads it: what follows the bucket is the prefix, letter by letter. */
function parseS3(rest: string): Parsed {
  const [, bucket = '', path = ''] = /^([^/]*)\/?(.*)$/s.exec(rest) ?? [];
  if (!S3_BUCKET.test(bucket)) return { fault: 'holds no bucket name' };
  const prefix = path.replace(/^\/+|\/+$/g, '');
  return { location: { kind: 's3', bucket, prefix } };
}

function parseNats(rest: string): Parsed {
  if (!NATS_BUCKET.test(rest)) return { fault: 'the name of a bucket holds letters, digits, _ and - alone' };
  return { location: { kind: 'nats', bucket: rest } };
}

/** The inverse: what an operator would write. */
export function locationText(location: Location): string {
  switch (location.kind) {
    case 'file':
      return pathToFileURL(location.folder).href;
    case 's3':
      return `s3://${location.bucket}${location.prefix === '' ? '' : `/${location.prefix}`}`;
    case 'nats':
      return `nats://${location.bucket}`;
  }
}

/** A configuration's text as a {@link Location}. */
export const location = (...kinds: LocationKind[]): z.ZodType<Location, string> =>
  z.string().transform((text, context) => {
    const parsed = parseLocation(text, kinds);
    if ('location' in parsed) return parsed.location;
    context.addIssue({ code: 'custom', message: parsed.fault });
    return z.NEVER;
  });
