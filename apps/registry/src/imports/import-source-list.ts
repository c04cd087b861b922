import { type z } from 'zod';
import { type Location, parseLocation } from '#artifacts';
import { text } from '#contracts';

/** Where artifacts can be imported from. */
export type ImportLocation = Exclude<Location, { kind: 'nats' }>;

/** Reads one, as an operator or a client of the API writes it. */
export function parseImportLocation(source: string): { location: ImportLocation } | { fault: string } {
  return parseLocation(source, ['s3', 'file']) as { location: ImportLocation } | { fault: string };
}

/** `MESH_IMPORT_SOURCES`: several, separated by commas. */
export const importLocations: z.ZodType<readonly ImportLocation[], string> = text
  .list()
  .transform((sources, context) =>
    sources.flatMap((source) => {
      const parsed = parseImportLocation(source);
      if ('location' in parsed) return [parsed.location];
      context.addIssue({ code: 'custom', message: `${source}: ${parsed.fault}` });
      return [];
    }),
  );
