/** Where executors leave what happened, until the registry has written it down. */
export interface AuditWriter {
  /**
   * Resolves when the stream has it on file.
   * @param id the same id sent again is kept once
   * @throws MeshError `not-connected` when it is not certain to be kept: send it again; `not-found` when there is no
   *   stream, since no registry was ever there to make it
   */
  sendInvocations(id: string, batch: string): Promise<void>;
}

/** A batch that waits in the stream. It stays there until one of its three ends is called. */
export interface StoredBatch {
  readonly json: string;
  /** It is written down. Where the server does not hear of it, it is delivered again. */
  done(): void;
  /** Deliver it again, after so many ms. */
  again(afterMs: number): void;
  /** It can never be read. */
  refuse(reason: string): void;
}

/** The registry's side; several registries share what there is. */
export interface AuditReader {
  /** Waits for the next batch, a second at the most, and takes with it what else is there. */
  take(atMost: number): Promise<StoredBatch[]>;
}

/** The head of the audit chain, kept where who can change the database cannot. */
export interface AuditHead {
  readonly seq: number;
  /** Hexadecimal SHA-256. */
  readonly hash: string;
}

export interface AuditHeadStore {
  get(): Promise<{ readonly head: AuditHead; readonly revision: number } | undefined>;
  /** @param revision what was read before; rejects when another has written meanwhile */
  put(head: AuditHead, revision: number | undefined): Promise<void>;
}
