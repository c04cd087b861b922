import { MeshError } from '../../contracts/src/errors.js';
import type { UploadedFile } from './author-types.js';
import { addValue, emptyRecord } from './pairs.js';

type Field = string | UploadedFile;

/**
 * A `multipart/form-data` body, read by the platform's own parser (RFC 7578).
 * @throws MeshError `bad-body` when it is malformed or cut off
 */
export async function parseMultipart(
  bytes: Uint8Array,
  contentType: string,
): Promise<Record<string, Field | Field[]>> {
  const fields = emptyRecord<Field | Field[]>();
  for (const [name, value] of await entriesOf(bytes, contentType))
    addValue<Field>(fields, name, typeof value === 'string' ? value : await fileOf(value));
  return fields;
}

async function entriesOf(bytes: Uint8Array, contentType: string): Promise<[string, string | File][]> {
  try {
    const headers = { 'content-type': contentType };
    const form = await new Response(bytes as Uint8Array<ArrayBuffer>, { headers }).formData();
    return [...form];
  } catch {
    throw new MeshError('bad-body', 'The body is not valid multipart/form-data.');
  }
}

async function fileOf(file: File): Promise<UploadedFile> {
  return {
    filename: file.name,
    contentType: file.type || 'application/octet-stream',
    content: new Uint8Array(await file.arrayBuffer()),
  };
}
