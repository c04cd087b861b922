/** The subject that Nest's transport uses: one of the mesh's, so that the server's permissions allow it. */
export const PATTERN = process.env.BENCH_SUBJECT;

/** Login of this process. Without `noAsyncTraces` the client makes a stack trace a request, which would flatter us. */
export const natsOptions = () => ({
  servers: process.env.BENCH_NATS_URL,
  user: process.env.BENCH_NATS_USER,
  pass: process.env.BENCH_NATS_PASSWORD,
  inboxPrefix: `_INBOX.${process.env.BENCH_NATS_USER}`,
  noAsyncTraces: true,
});
