import type { Limits } from '#contracts';

/*
 * What the registry answers, as far as it is shown. Fields that a registry of another version may lack are optional:
 * the command line tells what it gets.
 */

export interface LiveVersionView {
  readonly version: string;
  readonly weight: number;
  readonly digest?: string;
}

export interface HandlerView {
  readonly path: string;
  readonly description?: string;
  readonly revision: number;
  readonly live: readonly LiveVersionView[];
  readonly aliases?: Readonly<Record<string, string>>;
  readonly environment?: readonly string[];
  /** Those that the operator has set. */
  readonly limits?: Limits;
  /** Of the live version with the greatest weight. */
  readonly manifest?: { readonly limits?: Limits };
  readonly degraded?: readonly DegradedView[];
  readonly changedAt?: string;
}

export interface DegradedView {
  readonly version: string;
  readonly executor: string;
  readonly code: string;
  readonly detail?: string;
}

export interface VersionView {
  readonly path?: string;
  readonly version: string;
  readonly digest: string;
  readonly size: number;
  readonly publishedAt: string;
  readonly publishedBy: string;
  readonly live?: boolean;
  readonly weight?: number;
  /** Why it should not be used any more. */
  readonly deprecated?: string;
  readonly manifest?: { readonly commit?: string };
}

/** Who has taken over a change, and who has not said so in time. */
export interface Confirmation {
  readonly confirmed: readonly string[];
  readonly missing: readonly string[];
}

export interface PublishedView extends VersionView {
  readonly created?: boolean;
  readonly revision?: number;
  readonly executors?: Confirmation;
}

export interface RouteChangeView extends HandlerView {
  readonly executors?: Confirmation;
}

export interface TokenView {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly expiresAt?: string;
}

export interface AuditView {
  readonly seq: number;
  readonly at: string;
  /** `admin`, or `token:` and a name. */
  readonly actor: string;
  readonly action: string;
  readonly path?: string;
  readonly version?: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface AuditCheckView {
  readonly ok: boolean;
  readonly checked: number;
  readonly firstBroken?: { readonly seq: number; readonly reason: string };
}

export interface InvocationView {
  readonly id: string;
  readonly path: string;
  readonly version: string | null;
  readonly source: string;
  readonly caller: string | null;
  readonly status: number;
  readonly outcome: string;
  readonly startedAt: string;
  /** Microseconds. */
  readonly duration: number;
  readonly attempt: number;
}

export interface ImportView {
  readonly key: string;
  readonly path?: string;
  readonly version?: string;
  readonly result: 'created' | 'unchanged' | 'refused';
  readonly reason?: string;
}

export interface DeadLetterView {
  /** Place in the stream of dead letters. */
  readonly seq: number;
  /** mesh-id of the event. */
  readonly id: string;
  readonly path: string;
  readonly reason: string;
  readonly error: string;
  readonly attempts: number;
  readonly version: string | null;
  readonly source: string | null;
  readonly replay: number;
  readonly at: string;
  readonly size: number;
}

export interface DeadDetailView extends DeadLetterView {
  readonly headers: Readonly<Record<string, string>>;
  readonly encoding: 'json' | 'text' | 'base64';
  readonly body: unknown;
  /** Null: the registry's database is away. */
  readonly runs: readonly InvocationView[] | null;
}

/** What came of treating many. */
export interface DeadBulkView {
  readonly matched: number;
  readonly done: number;
  readonly refused: readonly { readonly seq: number; readonly id: string; readonly code: string }[];
  readonly next: string | null;
}

interface StreamView {
  readonly messages: number;
  readonly bytes: number;
  readonly maxBytes: number;
  readonly oldestAt: string | null;
}

/** What waits, and for whom. */
export interface BacklogView {
  readonly work: StreamView;
  readonly dead: StreamView;
  readonly schedules: number;
  readonly consumers: readonly { readonly name: string; readonly waiting: number; readonly inHand: number }[];
}
