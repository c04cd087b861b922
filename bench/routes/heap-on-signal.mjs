// Loaded into a service with `--import`: at SIGUSR2 it collects garbage and tells what is left, in bytes.
process.on('SIGUSR2', () => {
  globalThis.gc();
  process.stdout.write(`heap after a collection: ${process.memoryUsage().heapUsed}\n`);
});
