/** A device's line, such as `dev-1,42,1678886400`, as a reading. Any source may send it: MQTT, SQS, an HTTP body. */
export function handle(payload: unknown) {
  const [device, value, seconds, ...rest] = String(payload).split(',');
  const reading = { device, value: Number(value), time: Number(seconds) };
  const isWhole = device !== '' && rest.length === 0 && value !== '' && seconds !== '';
  if (!isWhole || !Number.isFinite(reading.value) || !Number.isSafeInteger(reading.time))
    throw new Error('a reading is device,value,seconds');
  return reading;
}
