import { createInbox } from '@nats-io/transport-node';

/*
 * What a caller of the mesh says by the name of its inbox, so that ordinary calls need no header for it:
 * `_INBOX.ingress.<random>=.<token>`. The `=` at the end of the last but one token: it takes answers in pieces.
 * A last token that begins with `~`: the body of its request follows in pieces. Neither sign is in the names that
 * NATS clients make.
 */

const EQUALS = '='.charCodeAt(0);
const TILDE = '~'.charCodeAt(0);

/**
 * An inbox with its last dot, as long as any other: the sign takes the place of one of the 12 characters that are this
 * process's; the 10 that tell apart what is made in it stay.
 */
export function makeInbox(prefix: string, takesStreams: boolean): string {
  const inbox = createInbox(prefix);
  return takesStreams ? `${prefix}.${inbox.slice(prefix.length + 2)}=.` : `${inbox}.`;
}

/** A token that says that a body follows; an ordinary one has a digit or letter in front. */
export const bodyFollowsToken = (number: number): string => `~${number.toString(36)}`;

export const takesStreams = (reply: string): boolean =>
  reply.charCodeAt(reply.lastIndexOf('.') - 1) === EQUALS;

export const bodyFollows = (reply: string): boolean => reply.charCodeAt(reply.lastIndexOf('.') + 1) === TILDE;
