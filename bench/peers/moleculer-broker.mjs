import { ServiceBroker } from 'moleculer';

/** A broker of Moleculer as it is installed, over NATS; only its log lines are off. */
export const brokerOf = (nodeID) =>
  new ServiceBroker({
    nodeID,
    logger: false,
    transporter: { type: 'NATS', options: { servers: process.env.BENCH_NATS_URL, noAsyncTraces: true } },
  });
