import { describe, expect, it } from '@jest/globals';
import {
  ARTIFACTS_BUCKET,
  type ControlPath,
  callSubject,
  cancelSubject,
  deadSubject,
  logSubject,
  REGISTRY_DESCRIBE,
  REGISTRY_REPORT,
  ROUTES_BUCKET,
  routeKey,
  workSubject,
} from '#contracts';
import { natsConfig } from './nats-config.js';
import { PERMISSIONS } from './nats-permissions.js';

type User = keyof typeof PERMISSIONS;

/** NATS's rule: `*` is one token, `>` all that follow. */
function matches(pattern: string, subject: string): boolean {
  const [wanted, given] = [pattern.split('.'), subject.split('.')];
  const head = wanted.every((token, i) => token === '>' || token === '*' || token === given[i]);
  return head && (wanted.at(-1) === '>' ? given.length >= wanted.length : given.length === wanted.length);
}

function may(user: User, verb: 'publish' | 'subscribe', subject: string): boolean {
  const { allow, deny = [] } = PERMISSIONS[user][verb];
  const any = (patterns: readonly string[]) => patterns.some((pattern) => matches(pattern, subject));
  return (allow === undefined || any(allow)) && !any(deny);
}

const path = 'users/find' as ControlPath;
const users = Object.keys(PERMISSIONS) as User[];
const mesh: User[] = ['caller', 'ingress', 'executor', 'operator', 'registry'];
const who = (verb: 'publish' | 'subscribe', subject: string): User[] =>
  mesh.filter((user) => may(user, verb, subject));

describe('NATS permissions', () => {
  const route = `$KV.${ROUTES_BUCKET}.${routeKey(path)}`;

  it.each<[string, User[], User[]]>([
    [callSubject(path), ['caller', 'ingress', 'executor', 'operator'], ['executor']],
    [workSubject(path), ['ingress', 'registry'], []],
    [deadSubject(path), ['ingress', 'executor', 'registry'], []],
    [logSubject(path), ['executor'], ['operator']],
    [cancelSubject('0190'), ['ingress', 'executor'], ['executor']],
    ['mesh.stream.x', ['ingress', 'executor'], ['executor']],
    [REGISTRY_DESCRIBE, ['ingress', 'executor'], ['registry']],
    [REGISTRY_REPORT, ['ingress', 'executor'], ['registry']],
    [route, ['registry'], []],
    [`$O.${ARTIFACTS_BUCKET}.C.nuid`, ['registry'], []],
    [`$JS.API.DIRECT.GET.OBJ_${ARTIFACTS_BUCKET}`, ['executor', 'registry'], []],
    [`$JS.API.STREAM.PURGE.OBJ_${ARTIFACTS_BUCKET}`, ['registry'], []],
    ['$JS.API.STREAM.DELETE.WORK', ['registry'], []],
    ['$JS.API.STREAM.PURGE.KV_mesh_routes', ['registry'], []],
    ['$SRV.INFO', ['caller', 'operator'], ['executor', 'registry']],
    ['$SRV.INFO.mesh-executor', ['caller', 'operator', 'registry'], ['executor', 'registry']],
  ])('%s is said by %j and heard by %j alone', (subject, sayers, hearers) => {
    expect(who('publish', subject)).toEqual(sayers);
    expect(who('subscribe', subject)).toEqual(hearers);
  });

  it.each(['ingress', 'executor', 'operator', 'registry'] as const)(
    'the inbox of %s is heard by nobody else',
    (user) => {
      expect(who('subscribe', `_INBOX.${user}.x.1`)).toEqual([user]);
    },
  );

  it('keep what JetStream keeps from MQTT clients', () => {
    for (const user of ['device', 'bridge'] as const)
      for (const subject of ['$JS.API.STREAM.LIST', '$KV.any.key', '$MQTT.rmsgs.a', '$MQTT.sess.a'])
        for (const verb of ['publish', 'subscribe'] as const) expect(may(user, verb, subject)).toBe(false);
    // What is on its way to other clients: the bridge hears it by its own filters, devices do not.
    expect(may('device', 'subscribe', '$MQTT.msgs.a')).toBe(false);
    for (const user of ['device', 'bridge'] as const)
      expect(may(user, 'publish', '$MQTT.msgs.a')).toBe(false);
  });

  it('are written into the configuration, one line a user, MQTT clients in an account of their own', () => {
    const passwords = { registry: '"r"', executor: '"e"', ingress: '"i"', operator: '"o"', bridge: '"b"' };
    const text = natsConfig({ serverName: 's', host: '127.0.0.1', port: 1, storeFolder: '/x', passwords });
    const [, inMesh = '', inDevices = ''] = text.split(/^ {2}(?:MESH|DEVICES) \{$/m);
    const usersIn = (part: string) => [...part.matchAll(/\{ user: (\w+),/g)].map(([, user]) => user).sort();
    expect(usersIn(inMesh)).toEqual([...mesh].sort());
    expect(usersIn(inDevices)).toEqual(['bridge', 'device']);
    expect(usersIn(text)).toEqual([...users].sort());
  });
});
