/** What one service says of itself when it is asked about a path. */
export interface ServiceAnswer {
  readonly id: string;
  /** None, or those of other paths: it does not run this one. */
  readonly endpoints: readonly { readonly metadata: Readonly<Record<string, string>> }[];
}

/** A question to every running service of a name. How many will answer is not known. */
export interface Survey {
  ask(): void;
  stop(): void;
}
