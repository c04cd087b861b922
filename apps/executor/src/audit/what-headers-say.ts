import { type HeaderMap, SOURCES, type Source } from '#contracts';

/** Where an event came from, as its headers say. */
export interface Origin {
  readonly source: Source;
  readonly caller?: string;
  readonly traceId?: string;
}

// The mesh's own ingresses write these two first: no need to parse all the rest of it for each record.
const BEGINNING = /^\{"source":"([a-z]{1,16})"(?:,"caller":"([^"\\]{1,200})")?/;
// https://www.w3.org/TR/trace-context/#traceparent-header
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;
const MAX_CALLER = 200;

/** Reads what a record keeps. Never throws: what is not understood is left out. */
export function originOf(headers: HeaderMap): Origin {
  const { traceparent } = headers;
  const origin = metaOf(headers['mesh-meta']);
  const traceId = traceparent === undefined ? undefined : TRACEPARENT.exec(traceparent)?.[1];
  return traceId === undefined ? origin : { ...origin, traceId };
}

function metaOf(meta: string | undefined): Origin {
  if (meta === undefined) return NATS;
  const [, source, caller] = BEGINNING.exec(meta) ?? [];
  if (source === undefined) return parsedMeta(meta);
  return caller === undefined ? { source: knownSource(source) } : { source: knownSource(source), caller };
}

/** From a client that writes JSON in another order. */
function parsedMeta(meta: string): Origin {
  try {
    const { source, caller } = JSON.parse(meta) as { source?: unknown; caller?: unknown };
    if (typeof caller !== 'string') return { source: knownSource(source) };
    return {
      source: knownSource(source),
      caller: caller.slice(0, MAX_CALLER).toWellFormed().replaceAll('\0', ''),
    };
  } catch {
    return NATS;
  }
}

const NATS: Origin = { source: 'nats' };

/** The constant of that name rather than a piece of the header, which would keep all of it in memory. */
const knownSource = (text: unknown): Source => SOURCES.find((source) => source === text) ?? 'nats';
