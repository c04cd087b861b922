import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { MeshError } from '#contracts';
import type { Actor, Expected } from '../catalogue/values.js';

/* What a request says of itself besides its body. */

interface Request {
  readonly actor?: Actor;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

const requestIn = (context: ExecutionContext): Request => context.switchToHttp().getRequest<Request>();

/** Who asks; set by the guard of http-server.ts. */
export const By = createParamDecorator((_data: unknown, context: ExecutionContext): Actor => {
  const { actor } = requestIn(context);
  if (!actor) throw new MeshError('unauthorized');
  return actor;
});

/** `If-Match`: the revisions of the route that a change is meant for. */
export const IfMatch = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Expected => expectedIn(requestIn(context).headers['if-match']),
);

// RFC 9110, 8.8.3; we give none with a backslash or a comma in it.
const ENTITY_TAG = /^(W\/)?"([^"]*)"$/;
const REVISION = /^(0|[1-9]\d{0,8})$/;

/**
 * RFC 9110, 13.1.1: `*`, or a list of entity tags, compared strongly: a weak one, or one that is no revision of ours,
 * matches nothing. `"0"`: there must be no route yet.
 * @throws MeshError `bad-request`
 */
export function expectedIn(header: string | string[] | undefined): Expected {
  if (header === undefined) return undefined;
  const text = [header].flat().join(',').trim();
  if (text === '*') return 'any';
  return text.split(',').flatMap((member) => {
    const found = ENTITY_TAG.exec(member.trim());
    if (!found)
      throw new MeshError('bad-request', 'If-Match must be * or look like "3": a revision in quotes.');
    const [, weak, tag = ''] = found;
    return weak === undefined && REVISION.test(tag) ? [Number(tag)] : [];
  });
}

/** The entity tag of a revision. */
export const etagOf = (revision: number): string => `"${revision}"`;
