import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';
import { type ManifestInput, readConfig } from '#contracts';
import type { NatsServer } from '#servers';
import { registrySettings } from '../apps/registry/src/config.js';
import { type RunningRegistry, start } from '../apps/registry/src/registry.js';

/* What the registry's scenarios stand on: artifacts made by hand, a registry with its settings, an HTTP client. */

export const TOKEN = 'the-token-of-these-scenarios';

const closers: (() => unknown)[] = [];
/** To be undone after the scenario, the latest first. */
export const later = (close: () => unknown): void => void closers.push(close);
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-registry-'));
  later(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An artifact whose handler is not meant to run. `path` may be anything, also what a manifest must not say. */
export async function artifactOf(
  manifest: Omit<ManifestInput, 'path'> & { path: string },
  code = '',
): Promise<Buffer> {
  const pack = tar.pack();
  const chunks: Buffer[] = [];
  // The same bytes for the same manifest, whenever they are made.
  const mtime = new Date(0);
  pack.entry({ name: 'manifest.json', mtime }, JSON.stringify(manifest));
  pack.entry({ name: 'handler.mjs', mtime }, code || 'export default () => null;\n');
  pack.finalize();
  for await (const chunk of pack) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface World {
  readonly database: string;
  /** Absent: a server without login. */
  readonly nats: Pick<NatsServer, 'url'> & Partial<Pick<NatsServer, 'users'>>;
  readonly environment?: Record<string, string>;
}

/** A registry of its own, stopped after the scenario. */
export async function registry({
  database,
  nats,
  environment,
}: World): Promise<RunningRegistry & { artifacts: string }> {
  const artifacts = temporaryFolder();
  const config = readConfig('registry', registrySettings, {
    MESH_DATABASE_URL: database,
    MESH_NATS_URL: nats.url,
    MESH_NATS_USER: nats.users?.registry.user,
    MESH_NATS_PASSWORD: nats.users?.registry.password,
    MESH_REGISTRY_PORT: '0',
    MESH_ARTIFACTS_URL: pathToFileURL(artifacts).href,
    MESH_ADMIN_TOKEN: TOKEN,
    ...environment,
  });
  const running = await start(config);
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= running.stop());
  later(stop);
  return { url: running.url, joined: running.joined, stop, artifacts };
}

export interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what the API answers is what these scenarios look at
  readonly body: any;
}

export async function request(url: string, init: RequestInit = {}): Promise<Answer> {
  const headers = { authorization: `Bearer ${TOKEN}`, ...(init.headers as Record<string, string>) };
  const response = await fetch(url, { ...init, headers });
  const text = await response.text();
  const type = response.headers.get('content-type')?.split(';')[0];
  return {
    status: response.status,
    type,
    headers: response.headers,
    body: type?.includes('json') ? JSON.parse(text) : text,
  };
}

export const get = (base: { url: string }, path: string): Promise<Answer> => request(base.url + path);

/** Sends an artifact through the one door. */
export function publish(
  base: { url: string },
  path: string,
  artifact: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return request(`${base.url}/v1/handlers/${encodeURIComponent(path)}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.lambda-mesh.artifact+gzip', ...headers },
    body: Buffer.from(artifact),
  });
}

/** Bytes as they are, for what no HTTP client would send; resolves with all that came back. */
export async function raw(base: { url: string }, text: string): Promise<string> {
  const { hostname, port } = new URL(base.url);
  const socket = dial(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.end(text);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

/** Asks again until it holds; the bound on it is the test's own. */
export async function until<T>(ask: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
