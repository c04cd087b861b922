/** A processor's worth of nothing; looks now and then whether its parent is still there. */
const SLICE_MS = 20;

function burn() {
  const end = performance.now() + SLICE_MS;
  while (performance.now() < end);
  setImmediate(burn);
}

process.once('disconnect', () => process.exit());
process.send({ ready: true });
burn();
