import type { Config } from '#contracts';
import type { natsSettings } from './settings.js';

export interface ConnectOptions extends Config<typeof natsSettings> {
  /** Shown in the server's monitoring. */
  readonly name: string;
}

/** One connection of one service. States: connecting → (connected ⇄ disconnected) → closed. */
export interface Connection {
  readonly connected: boolean;
  /** Largest body in bytes that fits a message beside its headers; from the server's `max_payload`. */
  readonly maxBody: number;
  /** Called at each change of `connected`. */
  onStatus(listener: (connected: boolean) => void): void;
  /** Core publish: who listens gets it, nobody waits. Dropped while not connected. */
  publish(subject: string, body: string): void;
  /** Resolves when the server has processed all that was sent before. */
  flush(): Promise<void>;
  /** Drains: what was sent arrives, then the connection closes for good. */
  close(): Promise<void>;
}
