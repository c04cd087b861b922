import { z } from 'zod';
import type { Keep } from '#fabric';

const list = z.array(z.string());

/**
 * What a session at the broker may have subscribed, kept beside its lease: the broker does not tell, and a subscription
 * of an earlier life that another one covers by now would bring each message twice.
 */
export class FilterMemory {
  constructor(
    private readonly keep: Pick<Keep, 'get' | 'put'>,
    private readonly clientId: string,
  ) {}

  /** @throws MeshError `not-connected` */
  async recall(): Promise<string[]> {
    const kept = await this.keep.get(this.#key);
    if (!kept) return [];
    const parsed = list.safeParse(parse(Buffer.from(kept.value).toString()));
    return parsed.data ?? [];
  }

  /** Best effort: what is forgotten may come twice, and is not lost. */
  async remember(filters: Iterable<string>): Promise<void> {
    const value = Buffer.from(JSON.stringify([...filters]));
    await this.keep.put(this.#key, {}, value).catch(() => undefined);
  }

  get #key(): string {
    return `${this.clientId}.filters`;
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
