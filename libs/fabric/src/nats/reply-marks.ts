import { randomBytes } from 'node:crypto';

/*
 * What a caller of the mesh says by the name of its inbox, so that ordinary calls need no header for it:
 * `_INBOX.ingress.<random>=.<token>`. The `=` at the end of the last but one token: it takes answers in pieces.
 * A last token that begins with `~`: the body of its request follows in pieces. Neither sign is in the names that
 * NATS clients make.
 */

const EQUALS = '='.charCodeAt(0);
const TILDE = '~'.charCodeAt(0);

/** Random, so that only who was asked can answer: 72 bits. */
const NAME_BYTES = 9;

/**
 * An inbox with its last dot. Shorter by a half than those that the client makes, since both sides read each character of
 * it, one by one, with every message.
 */
export function makeInbox(prefix: string, takesStreams: boolean): string {
  const name = randomBytes(NAME_BYTES).toString('base64url');
  return `${prefix}.${name}${takesStreams ? '=' : ''}.`;
}

/** A token that says that a body follows; an ordinary one has a digit or letter in front. */
export const bodyFollowsToken = (number: number): string => `~${number.toString(36)}`;

export const takesStreams = (reply: string): boolean =>
  reply.charCodeAt(reply.lastIndexOf('.') - 1) === EQUALS;

export const bodyFollows = (reply: string): boolean => reply.charCodeAt(reply.lastIndexOf('.') + 1) === TILDE;
