import { createHash } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Blob, Blobs } from './blobs.js';
import { reaching, reachingMaybe } from './unavailable.js';

const TYPE = 'application/octet-stream';

/** A bucket of S3, or of a server that speaks like it; names begin after the prefix. */
export class S3Blobs implements Blobs {
  readonly #root: string;

  constructor(
    private readonly client: S3Client,
    private readonly bucket: string,
    prefix: string,
  ) {
    this.#root = prefix === '' ? '' : `${prefix}/`;
  }

  put(name: string, bytes: Uint8Array): Promise<void> {
    return reaching(async () => {
      const sha256 = createHash('sha256').update(bytes).digest('base64');
      // The server compares: what was changed on its way is not stored.
      const object = { Body: bytes, ContentType: TYPE, ChecksumSHA256: sha256 };
      await this.client.send(new PutObjectCommand({ ...this.#at(name), ...object }));
    });
  }

  get(name: string): Promise<Uint8Array | undefined> {
    return reachingMaybe(async () => {
      const { Body } = await this.client.send(new GetObjectCommand(this.#at(name)));
      return Body?.transformToByteArray();
    }, isAbsent);
  }

  stat(name: string): Promise<Blob | undefined> {
    return reachingMaybe(async () => {
      const head = await this.client.send(new HeadObjectCommand(this.#at(name)));
      return blob(name, head.ContentLength, head.LastModified, head.ETag);
    }, isAbsent);
  }

  async *list(): AsyncIterable<Blob> {
    let token: string | undefined;
    do {
      const request = { Bucket: this.bucket, Prefix: this.#root, ContinuationToken: token };
      const page = await reaching(() => this.client.send(new ListObjectsV2Command(request)));
      for (const { Key = '', Size, LastModified, ETag } of page.Contents ?? [])
        yield blob(Key.slice(this.#root.length), Size, LastModified, ETag);
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  remove(name: string): Promise<void> {
    return reaching(async () => {
      await this.client.send(new DeleteObjectCommand(this.#at(name)));
    });
  }

  /** An object is there whole or not at all. */
  async tidy(): Promise<number> {
    return 0;
  }

  close(): void {
    this.client.destroy();
  }

  #at(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.bucket, Key: this.#root + name };
  }
}

function blob(name: string, size = 0, modified = new Date(0), etag = ''): Blob {
  return { name, size, modified, tag: `${etag}-${size}` };
}

// HEAD has no body that could name the error. A bucket that is not there is a fault of the configuration.
const ABSENT = new Set(['NoSuchKey', 'NotFound']);
const isAbsent = (error: unknown): boolean => ABSENT.has((error as Error).name);
