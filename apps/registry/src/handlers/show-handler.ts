import { type ControlPath, MeshError } from '#contracts';
import { etagOf } from '../api/precondition.js';
import type { Catalogue } from '../catalogue/catalogue.js';
import { type HandlerDetailView, viewHandlerDetail } from './views.js';

/** What is used of a reply. */
export interface HeaderSink {
  header(name: string, value: string): unknown;
  status(code: number): unknown;
}

/** A handler as it is now; the revision that it shows is its ETag. @throws MeshError `not-found` */
export async function showHandler(
  catalogue: Catalogue,
  path: ControlPath,
  reply: HeaderSink,
): Promise<HandlerDetailView> {
  const [handler, reports] = await Promise.all([catalogue.handler(path), catalogue.reports(path)]);
  if (!handler) throw new MeshError('not-found', `No handler was ever published as ${path}.`);
  reply.header('etag', etagOf(handler.revision));
  return viewHandlerDetail(handler, reports);
}
