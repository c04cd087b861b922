import { type ControlPath, ownConsumer, type Route } from '#contracts';
import type { RouteTable, WorkItem, WorkPuller } from '#fabric';
import type { Log } from '#lifecycle';

/** Opens a consumer of the work stream. @param batch how many are asked for at once */
export type OpenPuller = (consumer: string, batch: number, onItem: (item: WorkItem) => void) => WorkPuller;

/**
 * The consumers of paths that keep an order: each hands over one event at a time. Follows the routes; the consumers
 * themselves are made by the registry, before or after this asks for them.
 */
export class OwnConsumers {
  readonly #pullers = new Map<ControlPath, WorkPuller>();
  #stopFollowing: () => void = () => {};

  constructor(
    private readonly open: OpenPuller,
    private readonly routes: RouteTable,
    private readonly serves: (path: ControlPath) => boolean,
    private readonly onItem: (item: WorkItem) => void,
    private readonly log: Log,
  ) {}

  start(): void {
    this.#stopFollowing = this.routes.onChange((path, route) => this.#follow(path, route));
    for (const route of this.routes.all()) this.#follow(route.path, route);
  }

  /** The next one of a path. */
  pull(path: ControlPath): void {
    this.#pullers.get(path)?.pull(1);
  }

  /** Resolves when nothing more will arrive. */
  async stop(): Promise<void> {
    this.#stopFollowing();
    await Promise.all([...this.#pullers.values()].map((puller) => puller.stop()));
  }

  #follow(path: ControlPath, route: Route | undefined): void {
    const wanted = this.serves(path) && (route?.versions.some(({ work }) => work?.ordered) ?? false);
    const open = this.#pullers.get(path);
    if (wanted && !open) {
      this.#pullers.set(path, this.open(ownConsumer(path), 1, this.onItem));
      this.pull(path);
    } else if (!wanted && open) {
      this.#pullers.delete(path);
      open.stop().catch((error: unknown) => this.log.error('A consumer could not be left.', error));
    }
  }
}
