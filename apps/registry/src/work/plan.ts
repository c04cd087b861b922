import { type ControlPath, DEFAULT_POOL, ownConsumer, poolConsumer, workSubject } from '#contracts';
import type { WorkConsumer } from '#fabric';
import { type Pool, poolOfPath } from './pools.js';

/** What the plan needs to know of a route. */
export interface WorkRoute {
  readonly path: ControlPath;
  readonly ordered: boolean;
}

const ALL_WORK = 'mesh.work.>';

/** Who takes what of a branch of all paths. */
interface Branch {
  readonly below: Map<string, Branch>;
  /** The consumer of the path that ends here. */
  owner?: string;
}

/**
 * The consumers of WORK for these routes. Without pools and ordered paths it is one, however many routes there are.
 * Else each path has its consumer, and the filters of one that has a whole branch are that branch's wildcard: a filter
 * costs the server time for each message.
 *
 * Invariant: no subject is in two filters, and each route's subject is in one.
 */
export function planConsumers(routes: Iterable<WorkRoute>, pools: readonly Pool[]): WorkConsumer[] {
  const all = [...routes];
  const own = all.filter(({ ordered }) => ordered).map(({ path }) => ownConsumer(path));
  const shared = [DEFAULT_POOL, ...pools.map(({ name }) => name)].map(poolConsumer);
  if (own.length === 0 && pools.length === 0)
    return shared.map((name) => ({ name, filters: [ALL_WORK], ordered: false }));
  const filters = filtersOf(all, pools);
  const consumer = (name: string, ordered: boolean): WorkConsumer => ({
    name,
    filters: filters.get(name) ?? [],
    ordered,
  });
  return [...shared.map((name) => consumer(name, false)), ...own.map((name) => consumer(name, true))];
}

function filtersOf(routes: readonly WorkRoute[], pools: readonly Pool[]): Map<string, string[]> {
  const root: Branch = { below: new Map() };
  for (const { path, ordered } of routes)
    plant(root, path, ordered ? ownConsumer(path) : poolConsumer(poolOfPath(pools, path)));
  const filters = new Map<string, string[]>();
  const add = (owner: string, filter: string) => {
    const list = filters.get(owner);
    if (list) list.push(filter);
    else filters.set(owner, [filter]);
  };
  for (const [segment, branch] of root.below) collect(workSubject(segment as ControlPath), branch, add);
  for (const list of filters.values()) list.sort();
  return filters;
}

function plant(root: Branch, path: ControlPath, owner: string): void {
  let branch = root;
  for (const segment of path.split('/')) {
    const next = branch.below.get(segment) ?? { below: new Map() };
    branch.below.set(segment, next);
    branch = next;
  }
  branch.owner = owner;
}

function collect(subject: string, branch: Branch, add: (owner: string, filter: string) => void): void {
  if (branch.owner !== undefined) add(branch.owner, subject);
  if (branch.below.size === 0) return;
  const owners = new Set([...branch.below.values()].flatMap((below) => [...ownersOf(below)]));
  const [only] = owners;
  // One path alone has no branch, only itself.
  if (owners.size === 1 && only !== undefined && isShared(only)) add(only, `${subject}.>`);
  else for (const [segment, below] of branch.below) collect(`${subject}.${segment}`, below, add);
}

function* ownersOf({ owner, below }: Branch): Generator<string> {
  if (owner !== undefined) yield owner;
  for (const branch of below.values()) yield* ownersOf(branch);
}

const isShared = (consumer: string): boolean => consumer.startsWith(poolConsumer(''));
