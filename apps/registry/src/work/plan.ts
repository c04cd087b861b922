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

/** The server compares each filter of a consumer with each other: twice as many take it four times as long. */
const MAX_FILTERS = 1_000;

export interface WorkPlan {
  readonly consumers: readonly WorkConsumer[];
  /** Ordered paths that have no consumer of their own, since they have too many neighbours to be told one by one. */
  readonly crowded: readonly ControlPath[];
}

/**
 * The consumers of WORK for these routes. Without pools and ordered paths it is one, however many routes there are.
 * Else each path has its consumer, and the filters of one that has a whole branch are that branch's wildcard: a filter
 * costs the server time for each message.
 *
 * Invariant: no subject is in two filters, and each route's subject is in one.
 */
export function planConsumers(routes: Iterable<WorkRoute>, pools: readonly Pool[]): WorkPlan {
  let all = [...routes];
  const crowded: ControlPath[] = [];
  for (;;) {
    const consumers = consumersOf(all, pools);
    const widest = consumers.some(({ filters }) => filters.length > MAX_FILTERS)
      ? widestBranch(all)
      : undefined;
    if (widest === undefined) return { consumers, crowded };
    const isIn = ({ path, ordered }: WorkRoute) => ordered && `${path}/`.startsWith(widest);
    crowded.push(...all.filter(isIn).map(({ path }) => path));
    all = all.map((route) => (isIn(route) ? { ...route, ordered: false } : route));
  }
}

function consumersOf(all: readonly WorkRoute[], pools: readonly Pool[]): WorkConsumer[] {
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

/** Of the branches above ordered paths the one with the most paths: `users/`, or `` for all; none without such a path. */
function widestBranch(routes: readonly WorkRoute[]): string | undefined {
  const above = routes.filter(({ ordered }) => ordered).flatMap(({ path }) => branchesAbove(path));
  const sizes = new Map(above.map((branch) => [branch, new Set<string>()]));
  for (const { path } of routes)
    for (const branch of branchesAbove(path))
      sizes.get(branch)?.add(path.slice(branch.length).split('/')[0] as string);
  return [...sizes].sort(([, a], [, b]) => b.size - a.size)[0]?.[0];
}

/** `users/find/all`: ``, `users/`, `users/find/`. */
function branchesAbove(path: string): string[] {
  const segments = path.split('/').slice(0, -1);
  return ['', ...segments.map((_, at) => `${segments.slice(0, at + 1).join('/')}/`)];
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
