import type { Incoming } from './incoming.js';

/** A topic may have 65,535 bytes; a line of a log should not. */
const MOST_OF_A_TOPIC = 200;

/** What a line of the log says of a message: nothing of its payload. */
export const aboutMessage = ({ topic, qos }: Pick<Incoming, 'topic' | 'qos'>) => ({
  topic: topic.slice(0, MOST_OF_A_TOPIC),
  qos,
});
