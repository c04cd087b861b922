import { z } from 'zod';
import { limits as limitsSchema, manifest as manifestSchema } from '#contracts';
import type { HandlerRecord, ListedVersion, ReportRecord } from '../catalogue/values.js';

/* What the API shows of handlers and versions. The schemas describe it in /openapi.json; TypeScript holds the functions to them. */

const time = z.iso.datetime();

const liveVersionView = z.object({
  version: z.string(),
  weight: z.int().describe('Percent of the calls that name no version.'),
  digest: z.string(),
});

export const handlerView = z.object({
  path: z.string(),
  description: z.string().optional(),
  revision: z.int().describe('Grows with every change of the route.'),
  live: z.array(liveVersionView),
  aliases: z.record(z.string(), z.string()).describe('Versions by the names that calls may use for them.'),
  createdAt: time,
  createdBy: z.string(),
  changedAt: time,
});
export type HandlerView = z.infer<typeof handlerView>;

const reportView = z.object({
  version: z.string(),
  executor: z.string(),
  code: z.string().describe('An error code of the mesh, such as load-failed.'),
  detail: z.string().optional(),
  reportedAt: time,
});

export const handlerDetailView = handlerView.extend({
  environment: z.array(z.string()).describe('Names that the operator has set; the values are not shown.'),
  limits: limitsSchema.describe('Those that the operator has set; they go before those of a manifest.'),
  meta: manifestSchema.shape.meta,
  manifest: manifestSchema.optional().describe('Of the live version with the greatest weight.'),
  degraded: z.array(reportView).describe('Executors that cannot run a live version, and why.'),
});
export type HandlerDetailView = z.infer<typeof handlerDetailView>;

export const versionView = z.object({
  path: z.string(),
  version: z.string(),
  digest: z.string(),
  size: z.int().describe('Bytes of the artifact.'),
  manifest: manifestSchema,
  publishedAt: time,
  publishedBy: z.string(),
  live: z.boolean(),
  weight: z.int().optional().describe('Percent of the calls that name no version, of a live one.'),
  deprecated: z.string().optional().describe('Why it should not be used any more.'),
});
export type VersionView = z.infer<typeof versionView>;

export function viewHandler(handler: HandlerRecord): HandlerView {
  const { path, revision, createdAt, createdBy, changedAt } = handler;
  const description = handler.live[0]?.manifest.description;
  return {
    path,
    ...(description === undefined ? {} : { description }),
    revision,
    live: handler.live.map(({ version, weight, digest }) => ({ version, weight, digest })),
    aliases: handler.aliases,
    createdAt: createdAt.toISOString(),
    createdBy,
    changedAt: changedAt.toISOString(),
  };
}

export function viewHandlerDetail(
  handler: HandlerRecord,
  reports: readonly ReportRecord[],
): HandlerDetailView {
  const manifest = handler.live[0]?.manifest;
  const held = new Set([...handler.live, ...handler.aliased].map(({ version }) => version));
  return {
    ...viewHandler(handler),
    environment: Object.keys(handler.environment).sort(),
    limits: handler.limits,
    meta: manifest?.meta ?? {},
    ...(manifest ? { manifest } : {}),
    degraded: reports.filter(({ version }) => held.has(version)).map(viewReport),
  };
}

function viewReport({ version, executor, code, detail, reportedAt }: ReportRecord) {
  return {
    version,
    executor,
    code,
    ...(detail === undefined ? {} : { detail }),
    reportedAt: reportedAt.toISOString(),
  };
}

export function viewVersion(record: ListedVersion): VersionView {
  const { path, version, digest, size, manifest, publishedAt, publishedBy, weight, deprecated } = record;
  return {
    path,
    version,
    digest,
    size,
    manifest,
    publishedAt: publishedAt.toISOString(),
    publishedBy,
    live: weight !== undefined,
    ...(weight === undefined ? {} : { weight }),
    ...(deprecated === undefined ? {} : { deprecated }),
  };
}
