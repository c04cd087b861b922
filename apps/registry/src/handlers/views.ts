import { z } from 'zod';
import { manifest as manifestSchema } from '#contracts';
import type { HandlerRecord, ReportRecord, VersionRecord } from '../catalogue/values.js';

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
  manifest: manifestSchema.describe('Of the live version with the greatest weight.'),
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
    createdAt: createdAt.toISOString(),
    createdBy,
    changedAt: changedAt.toISOString(),
  };
}

export function viewHandlerDetail(
  handler: HandlerRecord,
  reports: readonly ReportRecord[],
): HandlerDetailView {
  const [first] = handler.live;
  if (!first) throw new Error(`the route of ${handler.path} has no version`);
  const live = new Set(handler.live.map(({ version }) => version));
  const degraded = reports.filter(({ version }) => live.has(version)).map(viewReport);
  return { ...viewHandler(handler), manifest: first.manifest, degraded };
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

export function viewVersion(record: VersionRecord): VersionView {
  const { path, version, digest, size, manifest, publishedAt, publishedBy } = record;
  return { path, version, digest, size, manifest, publishedAt: publishedAt.toISOString(), publishedBy };
}
