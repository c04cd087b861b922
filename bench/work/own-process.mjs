/** Answers each message of the benchmark with what `work` makes of it. The process ends with its parent's channel. */
export function serve(work) {
  process.on('message', async (message) => {
    try {
      process.send((await work(message)) ?? {});
    } catch (error) {
      process.send({ fault: error.stack });
    }
  });
  process.once('disconnect', () => process.exit());
  process.send({ ready: true });
}

/** Runs `one` so many times, so many at once. */
export async function windowed(count, atOnce, one) {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, lane));
}
