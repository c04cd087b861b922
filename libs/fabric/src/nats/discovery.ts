import type { Msg } from '@nats-io/transport-node';
import type { Connection } from '../connection.js';
import type { DiscoveredService, Discovery, Endpoint } from '../discovery.js';
import type { NatsMeshConnection } from './connect.js';

/** Endpoints in one answer at most: 5,000 of them take some 2 MB of the 8 that a message may have. */
const MAX_ENDPOINTS = 5_000;
const VERBS = ['PING', 'INFO', 'STATS'] as const;
type Verb = (typeof VERBS)[number];

/** Answers `$SRV.{PING,INFO,STATS}[.name[.id]]` (ADR-32 of NATS) from the service's own counters. */
export function serveDiscovery(connection: Connection, service: DiscoveredService): Discovery {
  const { nc } = connection as NatsMeshConnection;
  const subscriptions = VERBS.flatMap((verb) =>
    subjectsOf(verb, service).map((subject) =>
      nc.subscribe(subject, {
        callback: (error, message) => {
          if (!error) answer(message, verb, service);
        },
      }),
    ),
  );
  return {
    stop: async () => {
      if (!nc.isClosed()) await Promise.all(subscriptions.map((subscription) => subscription.drain()));
    },
  };
}

function subjectsOf(verb: Verb, { name, id }: DiscoveredService): string[] {
  return [`$SRV.${verb}`, `$SRV.${verb}.${name}`, `$SRV.${verb}.${name}.${id}`];
}

function answer(message: Msg, verb: Verb, service: DiscoveredService): void {
  message.respond(JSON.stringify(responseOf(verb, service, pathIn(message))));
}

/** ADR-32 sends nothing with the question; we may ask for one path. */
function pathIn(message: Msg): string | undefined {
  if (message.data.length === 0) return undefined;
  try {
    const { path } = message.json<{ path?: unknown }>();
    return typeof path === 'string' ? path : undefined;
  } catch {
    return undefined;
  }
}

function responseOf(verb: Verb, service: DiscoveredService, path: string | undefined): object {
  const { name, id, version, description, started } = service;
  const type = `io.nats.micro.v1.${verb.toLowerCase()}_response`;
  const identity = { type, name, id, version };
  if (verb === 'PING') return { ...identity, metadata: {} };
  const { shown, metadata } = path === undefined ? endpointsOf(service) : only(service, path);
  if (verb === 'INFO') return { ...identity, metadata, description, endpoints: shown.map(infoOf) };
  return { ...identity, metadata, started, endpoints: shown.map(statsOf) };
}

/** The first {@link MAX_ENDPOINTS}; metadata says so where there are more. */
function endpointsOf(service: DiscoveredService): { shown: Endpoint[]; metadata: Record<string, string> } {
  const all = [...service.endpoints()];
  const shown = all.slice(0, MAX_ENDPOINTS);
  return {
    shown,
    metadata: all.length > shown.length ? { 'endpoints-left-out': String(all.length - shown.length) } : {},
  };
}

function only(service: DiscoveredService, path: string): ReturnType<typeof endpointsOf> {
  const found = service.endpointOf?.(path);
  return { shown: found ? [found] : [], metadata: {} };
}

function infoOf({ name, subject, metadata }: Endpoint): object {
  return { name, subject, queue_group: 'executor', metadata };
}

function statsOf({ name, subject, stats }: Endpoint): object {
  return {
    name,
    subject,
    queue_group: 'executor',
    num_requests: stats.requests,
    num_errors: stats.errors,
    last_error: stats.lastError,
    processing_time: Math.round(stats.processingTime),
    average_processing_time: stats.requests === 0 ? 0 : Math.round(stats.processingTime / stats.requests),
  };
}
