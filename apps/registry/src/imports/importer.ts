import { compare } from 'semver';
import type { Blob, ImportSource } from '#artifacts';
import { asMeshError, type ControlPath, MeshError } from '#contracts';
import { digestOf, unpack } from '#packer/artifact';

/** What became of one artifact that was dropped somewhere. */
export interface ImportItem {
  readonly key: string;
  /** Of its manifest, where that could be read. */
  readonly path?: ControlPath;
  readonly version?: string;
  readonly result: 'created' | 'unchanged' | 'refused';
  /** Why it was refused. */
  readonly reason?: string;
  /** For the log: what went wrong in the mesh itself. */
  readonly cause?: unknown;
}
type Refusal = ImportItem & { readonly result: 'refused' };

/** The one door, as an import sees it. Resolves with false when exactly this was published before. */
export type Publish = (path: ControlPath, artifact: Uint8Array) => Promise<boolean>;

/** What was read of an artifact before any of them is published. */
interface Candidate {
  readonly blob: Blob;
  readonly path: ControlPath;
  readonly version: string;
  readonly digest: string;
  /** Absent: there was no room to keep it, so it is read again. */
  readonly artifact: Uint8Array | undefined;
}

/** Bytes of artifacts that are kept between reading and publishing. */
const KEPT_BYTES = 64 * 1024 * 1024;

/**
 * Takes artifacts from a source through the one door, and tells of each as soon as it is dealt with. All are read
 * before the first is published, so that of several versions of a handler the newest is published last, and so goes
 * live; each is independent of the others. What has gone or changed meanwhile is passed over.
 * @param maxBytes of one artifact
 * @throws MeshError of status 503, where not an artifact is at fault: it may go through later
 */
export async function* importArtifacts(
  source: ImportSource,
  blobs: readonly Blob[],
  publish: Publish,
  maxBytes: number,
): AsyncGenerator<ImportItem> {
  const candidates: Candidate[] = [];
  let room = KEPT_BYTES;
  for (const blob of blobs) {
    const read = await refusable(blob.name, () => readCandidate(source, blob, maxBytes, room));
    if (!read) continue;
    if ('result' in read) {
      yield read;
      continue;
    }
    candidates.push(read);
    room -= read.artifact?.length ?? 0;
  }
  for (const candidate of candidates.sort(byVersion)) {
    const item = await publishOne(source, candidate, publish);
    if (item) yield item;
  }
}

const byVersion = (a: Candidate, b: Candidate): number =>
  a.path === b.path ? compare(a.version, b.version) : a.path < b.path ? -1 : 1;

/** `undefined` when it has gone. */
async function readCandidate(
  source: ImportSource,
  blob: Blob,
  maxBytes: number,
  room: number,
): Promise<Candidate | undefined> {
  if (blob.size > maxBytes)
    throw new MeshError('payload-too-large', `It has ${blob.size} bytes, ${maxBytes} at most.`);
  const artifact = await source.get(blob.name);
  if (!artifact) return undefined;
  const digest = digestOf(artifact);
  const stated = await source.statedDigest(blob.name);
  if (stated !== undefined && stated !== digest)
    throw new MeshError('digest-mismatch', `Its digest is ${digest}, beside it stands ${stated || 'none'}.`);
  const { path, version } = (await unpack(artifact)).manifest;
  return { blob, path, version, digest, artifact: artifact.length <= room ? artifact : undefined };
}

async function publishOne(
  source: ImportSource,
  { blob, path, version, digest, artifact }: Candidate,
  publish: Publish,
): Promise<ImportItem | undefined> {
  const about = { key: blob.name, path, version };
  const bytes = artifact ?? (await source.get(blob.name));
  // It was changed meanwhile: the next look finds it as it is then.
  if (!bytes || digestOf(bytes) !== digest) return undefined;
  const done = await refusable(blob.name, async () => {
    const isCreated = await publish(path, bytes);
    return { ...about, result: isCreated ? 'created' : 'unchanged' } as const;
  });
  return { ...about, ...done };
}

/** What cannot be done now, for nobody, is thrown; all else is this artifact's result. */
async function refusable<T>(key: string, work: () => Promise<T>): Promise<T | Refusal> {
  try {
    return await work();
  } catch (error) {
    const fault = asMeshError(error);
    if (fault.status === 503) throw fault;
    return {
      key,
      result: 'refused',
      reason: fault.message,
      ...(fault.code === 'internal' ? { cause: error } : {}),
    };
  }
}
