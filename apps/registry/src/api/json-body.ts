import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { z } from 'zod';
import { isVersion } from '#contracts';
import { parsed } from './paging.js';

/**
 * The body, by its schema; no body at all is an empty object. The schema does not go through Nest, which takes
 * whatever has a `transform` for a pipe.
 * @throws MeshError `bad-request` naming every fault
 */
export const JsonBody = (schema: z.ZodType): ParameterDecorator =>
  createParamDecorator((_data: unknown, context: ExecutionContext): unknown =>
    parsed(schema, context.switchToHttp().getRequest<{ body?: unknown }>().body ?? {}),
  )();

/** A text that Postgres can keep: whole characters, none of them NUL. @param max characters */
export const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine(
      (value) => value.isWellFormed() && !value.includes('\0'),
      'holds a character that cannot be kept',
    );

export const versionText = z.string().refine(isVersion, 'must be a semantic version such as 1.2.0');
