import { findHttp, findRegistry } from '../mesh-address.js';
import { handlerPath, RegistryClient } from '../registry-client.js';
import type { RemoteOptions } from '../remote.js';
import type { Shell } from '../shell.js';
import type { HandlerView } from '../views.js';
import { examineNats } from './examine-nats.js';
import { examineWork } from './examine-work.js';
import { bad, type Finding, findingOf, good } from './finding.js';

const HEALTH_MS = 5_000;
/** Handlers that are asked for one by one. */
const MOST_HANDLERS = 200;

/** Everything that the commands need, each as a finding; nothing is thrown. */
export async function examine(
  shell: Shell,
  options: RemoteOptions & { url?: string; nats?: string },
): Promise<Finding[]> {
  const [registry, http, nats] = await Promise.all([
    examineRegistry(shell, options),
    examineHttp(shell, options.url),
    examineNats(shell, options.nats),
  ]);
  return [good('node', process.version), ...registry, ...http, ...nats];
}

async function examineRegistry(shell: Shell, options: RemoteOptions): Promise<Finding[]> {
  let client: RegistryClient;
  try {
    client = new RegistryClient(findRegistry(shell, options));
  } catch (error) {
    return [findingOf('registry', error)];
  }
  const { url } = client.address;
  const state = await healthOf(url);
  if (state !== 'ready')
    return [
      bad('registry', `${url} ${state}`, 'Start it, see its log, or set MESH_REGISTRY_URL to another.'),
    ];
  return [good('registry', `${url} is ready`), ...(await examineToken(client))];
}

async function examineToken(client: RegistryClient): Promise<Finding[]> {
  try {
    const handlers = await client.list<HandlerView>('/handlers', {}, MOST_HANDLERS);
    return [
      good('token', 'is valid'),
      ...(await examineHandlers(client, handlers)),
      ...(await examineWork(client)),
    ];
  } catch (error) {
    return [findingOf('token', error)];
  }
}

async function examineHandlers(client: RegistryClient, handlers: readonly HandlerView[]): Promise<Finding[]> {
  const details = await Promise.all(handlers.map(({ path }) => client.get<HandlerView>(handlerPath(path))));
  const degraded = details.flatMap(({ path, degraded: reports = [] }) =>
    reports.map(({ version, executor, code, detail }) =>
      bad(
        'handler',
        `${path}@${version} does not run on ${executor}: ${code}${detail === undefined ? '' : `, ${detail}`}`,
        `Mend it and publish a new version, or go back: mesh rollback ${path}`,
      ),
    ),
  );
  return degraded.length > 0 ? degraded : [good('handlers', `${handlers.length}, none degraded`)];
}

async function examineHttp(shell: Shell, stated: string | undefined): Promise<Finding[]> {
  try {
    const url = findHttp(shell, stated);
    const state = await healthOf(url);
    return state === 'ready'
      ? [good('ingress', `${url} is ready`)]
      : [bad('ingress', `${url} ${state}`, 'Start it, see its log, or set MESH_HTTP_URL to another.')];
  } catch (error) {
    return [findingOf('ingress', error)];
  }
}

/** `ready`, or what it is instead. */
async function healthOf(url: string): Promise<string> {
  try {
    const { status } = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(HEALTH_MS) });
    return status === 200 ? 'ready' : `is there, but not ready (${status})`;
  } catch {
    return 'cannot be reached';
  }
}
