import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import type { NatsServer } from '#servers';
import { PATH } from '../services.ts';
import { NotAcknowledged, type Source } from './source.ts';

const LIMIT_MS = 15_000;
const ACK_LIMIT_MS = 5_000;
const subject = (kind: 'call' | 'work'): string => `mesh.${kind}.${PATH.replaceAll('/', '.')}`;

export function reconnecting(server: NatsServer, user?: 'ingress' | 'registry'): Promise<NatsConnection> {
  const login = user ? { user, pass: server.users[user].password, inboxPrefix: `_INBOX.${user}` } : {};
  return connect({
    servers: server.url,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
    pingInterval: 5_000,
    maxPingOut: 1,
    ...login,
  });
}

/** Any NATS client: no login, no header. */
export async function requestSource(server: NatsServer): Promise<Source> {
  const client = await reconnecting(server);
  return {
    name: 'request',
    mix: { slow: 30, refuse: 10 },
    lanes: 12,
    ordered: false,
    send: async (event) => {
      const reply = await client.request(subject('call'), JSON.stringify(event), { timeout: LIMIT_MS });
      const status = reply.headers?.get('mesh-status') || '200';
      if (reply.headers?.get('Nats-Service-Error-Code') || !status.startsWith('2'))
        return status === '400' ? 'refused' : unacknowledged(status, reply.string());
      return 'accepted';
    },
    close: () => client.close(),
  };
}

/** Publishers of work that wait for JetStream's acknowledgement, and send again under the same id. */
export async function workSource(server: NatsServer): Promise<Source> {
  const client = await reconnecting(server, 'ingress');
  return {
    name: 'work',
    mix: { slow: 30, refuse: 10, flaky: 10, poison: 3 },
    lanes: 12,
    ordered: false,
    send: async (event) => {
      const id = headers();
      id.set('Nats-Msg-Id', event.id);
      const reply = await client.request(subject('work'), JSON.stringify(event), {
        headers: id,
        timeout: ACK_LIMIT_MS,
      });
      const { seq, error } = reply.json<{ seq?: number; error?: { description: string } }>();
      if (error || seq === undefined) throw new NotAcknowledged(error?.description ?? 'no sequence');
      return 'accepted';
    },
    close: () => client.close(),
  };
}

function unacknowledged(status: string, text: string): never {
  throw new NotAcknowledged(`${status} ${/"code":"[^"]*"|"type":"[^"]*"/.exec(text)?.[0] ?? ''}`.trim());
}
