/** A server that could not be started or used; the message says what to do about it. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  constructor(
    /** `nats`, `postgres`, `aws`, `mosquitto`. */
    readonly server: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
