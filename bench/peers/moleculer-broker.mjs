import { ServiceBroker } from 'moleculer';

const { BENCH_NATS_URL: servers, BENCH_NATS_USER: user, BENCH_NATS_PASSWORD: pass } = process.env;
const natsOptions = { servers, user, pass, noAsyncTraces: true };

/** A broker of Moleculer as it is installed, over NATS; only its log lines are off. */
export const brokerOf = (nodeID) =>
  new ServiceBroker({
    nodeID,
    logger: false,
    transporter: { type: 'NATS', options: natsOptions },
  });
