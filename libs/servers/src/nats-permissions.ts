import {
  ARTIFACTS_BUCKET,
  ATTEMPTS_BUCKET,
  AUDIT_BUCKET,
  CALLBACKS_CONSUMER,
  CALLBACKS_STREAM,
  LEASES_BUCKET,
  RESULTS_BUCKET,
  ROUTES_BUCKET,
} from '#contracts';

/*
 * What each user of the NATS server may say and hear: what its part needs and no more, so that a service which is
 * taken over cannot become another. Two accounts share no subject: MESH for services and callers, DEVICES for MQTT
 * clients. Replies go to inboxes, and an inbox tells what was asked: every service has its own prefix,
 * `_INBOX.<user>`, which no other user may hear.
 */
export const SERVICE_USERS = ['registry', 'executor', 'ingress', 'operator', 'bridge'] as const;
export type ServiceUser = (typeof SERVICE_USERS)[number];
/** Who a client without credentials is, on NATS and on MQTT. */
export type AnonymousUser = 'caller' | 'device';

interface Rule {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}
export interface Permissions {
  readonly publish: Rule;
  readonly subscribe: Rule;
  /** May answer each message that it hears so many times, within so long. */
  readonly allowResponses?: { readonly max: number; readonly expires: string };
}

const routesStream = `KV_${ROUTES_BUCKET}`;
/** To follow the routing table: open the bucket, read keys, watch it with a consumer of its own, pushed or pulled. */
const READ_ROUTES = [
  '$JS.API.INFO',
  `$JS.API.STREAM.INFO.${routesStream}`,
  `$JS.API.DIRECT.GET.${routesStream}`,
  `$JS.API.DIRECT.GET.${routesStream}.>`,
  `$JS.API.STREAM.MSG.GET.${routesStream}`,
  `$JS.API.CONSUMER.CREATE.${routesStream}`,
  `$JS.API.CONSUMER.CREATE.${routesStream}.>`,
  `$JS.API.CONSUMER.INFO.${routesStream}.>`,
  `$JS.API.CONSUMER.MSG.NEXT.${routesStream}.>`,
  `$JS.API.CONSUMER.DELETE.${routesStream}.>`,
  `$JS.FC.${routesStream}.>`,
];
/** To hold leases: ingress-mqtt on its sessions at the broker. */
const KEEP_LEASES = [`$KV.${LEASES_BUCKET}.>`, `$JS.API.DIRECT.GET.KV_${LEASES_BUCKET}.>`];
const artifactsStream = `OBJ_${ARTIFACTS_BUCKET}`;
/** To read artifacts out of the object store, each by requests for its messages. */
const READ_ARTIFACTS = [
  `$JS.API.STREAM.INFO.${artifactsStream}`,
  `$JS.API.STREAM.MSG.GET.${artifactsStream}`,
  `$JS.API.DIRECT.GET.${artifactsStream}`,
  `$JS.API.DIRECT.GET.${artifactsStream}.>`,
];

/** State and results of asynchronous calls: by the ingress that accepts them, by the executor that runs them. */
const KEEP_RESULTS = [`$KV.${RESULTS_BUCKET}.>`, `$JS.API.DIRECT.GET.KV_${RESULTS_BUCKET}.>`];
/** What was tried of work that did not end well at once. */
const KEEP_ATTEMPTS = [`$KV.${ATTEMPTS_BUCKET}.>`, `$JS.API.DIRECT.GET.KV_${ATTEMPTS_BUCKET}.>`];
/** To send results to their callbacks: one consumer, which the registry makes, shared by all HTTP ingresses. */
const TAKE_CALLBACKS = [
  `$JS.API.CONSUMER.MSG.NEXT.${CALLBACKS_STREAM}.${CALLBACKS_CONSUMER}`,
  `$JS.ACK.${CALLBACKS_STREAM}.${CALLBACKS_CONSUMER}.>`,
];

const inbox = (user: ServiceUser): string => `_INBOX.${user}.>`;
/*
 * An executor may answer any inbox by name; one is random, so only who was asked can answer it. The narrower way,
 * `allow_responses`, has the server keep every reply subject until its last answer: 230 bytes a call for its whole
 * expiry where several are allowed, which is gigabytes at 20,000 calls a second; nothing with `max: 1`, but then no
 * answer could ever come in parts, and each call costs 0.2 µs (6 %) more of the server's time.
 */
const ANY_INBOX = '_INBOX.>';
/** For the registry's few control calls the narrower way costs nothing. */
const ANSWERS = { max: 1, expires: '1m' } as const;
// JetStream's own subjects: whoever may use them could read and delete what others sent or keep.
const JETSTREAM = ['$JS.>', '$KV.>', '$O.>'];
/** An MQTT client. The server makes a QoS 1 subscription under `$MQTT.sub` in the client's name: that one stays open. */
const MQTT_CLIENT: Permissions = {
  publish: { deny: [...JETSTREAM, '$MQTT.>'] },
  subscribe: { deny: [...JETSTREAM, '$MQTT.msgs.>', '$MQTT.rmsgs.>', '$MQTT.sess.>', '$MQTT.qos2.>'] },
};

export const PERMISSIONS: Readonly<Record<ServiceUser | AnonymousUser, Permissions>> = {
  caller: {
    publish: { allow: ['mesh.call.>', '$SRV.>'] },
    subscribe: { allow: ['_INBOX.>'], deny: SERVICE_USERS.map(inbox) },
  },
  ingress: {
    publish: {
      allow: [
        'mesh.call.>',
        'mesh.work.>',
        'mesh.schedule.>',
        'mesh.audit.>',
        'mesh.cancel.>',
        'mesh.stream.>',
        // A queue may have no dead letters of its own.
        'mesh.dead.>',
        'mesh.registry.>',
        ...KEEP_RESULTS,
        ...TAKE_CALLBACKS,
        ...KEEP_LEASES,
        ...READ_ROUTES,
      ],
    },
    subscribe: { allow: [inbox('ingress')] },
  },
  executor: {
    publish: {
      allow: [
        ANY_INBOX,
        'mesh.call.>',
        // What a handler called ends with the handler; it may answer in pieces, which are asked for.
        'mesh.cancel.>',
        'mesh.stream.>',
        'mesh.dead.>',
        'mesh.callback.>',
        'mesh.audit.>',
        'mesh.log.>',
        'mesh.registry.>',
        '$JS.API.CONSUMER.INFO.WORK.>',
        '$JS.API.CONSUMER.MSG.NEXT.WORK.>',
        '$JS.ACK.WORK.>',
        ...KEEP_RESULTS,
        ...KEEP_ATTEMPTS,
        ...READ_ROUTES,
        ...READ_ARTIFACTS,
      ],
    },
    subscribe: { allow: ['mesh.call.>', 'mesh.cancel.>', 'mesh.stream.>', '$SRV.>', inbox('executor')] },
  },
  registry: {
    publish: {
      allow: [
        `$KV.${ROUTES_BUCKET}.>`,
        `$KV.${AUDIT_BUCKET}.>`,
        `$O.${ARTIFACTS_BUCKET}.>`,
        // Schedules, work that is replayed or handed in anew, and work that nobody will ever take.
        'mesh.schedule.>',
        'mesh.work.>',
        'mesh.dead.>',
        // To tell who asked for the result of such work.
        `$KV.${RESULTS_BUCKET}.>`,
        'mesh.callback.>',
        // Which executors have a new route.
        '$SRV.INFO.>',
        'mesh.audit.>',
        '$JS.API.>',
        '$JS.ACK.AUDIT.>',
        '$JS.FC.>',
      ],
    },
    subscribe: { allow: ['mesh.registry.>', '$SRV.>', inbox('registry')] },
    allowResponses: ANSWERS,
  },
  // Who looks after the mesh by `mesh logs`: what handlers log may be secret, so callers hear none of it.
  operator: {
    publish: { allow: ['mesh.call.>', '$SRV.>'] },
    subscribe: { allow: ['mesh.log.>', inbox('operator')] },
  },
  device: MQTT_CLIENT,
  // The server delivers to a QoS 1 filter that begins with a wildcard through `$MQTT.msgs`: denied, nothing arrives.
  bridge: {
    ...MQTT_CLIENT,
    subscribe: { deny: [...JETSTREAM, '$MQTT.rmsgs.>', '$MQTT.sess.>', '$MQTT.qos2.>'] },
  },
};
