import { describe, expect, it } from '@jest/globals';
import type { ControlPath, Route } from '#contracts';
import { TopicTable } from './topic-table.js';

type Triggers = Route['versions'][number]['triggers'];

function tableOf(routes: Record<string, Triggers>): TopicTable {
  const table = new TopicTable();
  for (const [path, triggers] of Object.entries(routes))
    table.update(path as ControlPath, routeOf(path, triggers));
  return table;
}

const routeOf = (path: string, triggers: Triggers, others: object[] = []): Route =>
  ({ path, versions: [{ weight: 60, triggers }, ...others] }) as unknown as Route;
const mqtt = (filter: string): Triggers[number] => ({ mqtt: { filter } });
const pathsOf = (table: TopicTable, topic: string): string[] =>
  table
    .match(topic)
    .map(({ path }) => path)
    .sort();
const http: Triggers[number] = { http: { method: 'GET' } };

describe('the topics of a route', () => {
  it('are its path when it names no trigger, and none when it names others only', () => {
    const table = tableOf({ 'users/find': [], 'users/list': [http] });
    expect([...table.subscriptions()]).toEqual(['users/find']);
    expect(pathsOf(table, 'users/find')).toEqual(['users/find']);
    expect(table.match('users/list')).toEqual([]);
  });

  it('are those of the version with the greatest weight', () => {
    const table = new TopicTable();
    const canary = { weight: 40, triggers: [mqtt('canary')] };
    table.update('a' as ControlPath, routeOf('a', [mqtt('main')], [canary]));
    expect([...table.subscriptions()]).toEqual(['main']);
  });

  it('are forgotten with it, but not those that another one has, too', () => {
    const table = tableOf({ a: [mqtt('shared'), mqtt('only/+')], b: [mqtt('shared')] });
    table.update('a' as ControlPath, undefined);
    expect([...table.subscriptions()]).toEqual(['shared']);
    expect(pathsOf(table, 'shared')).toEqual(['b']);
    expect(table.match('only/x')).toEqual([]);
  });

  it('change with it', () => {
    const table = tableOf({ a: [mqtt('old')] });
    table.update('a' as ControlPath, routeOf('a', [mqtt('new')]));
    expect([...table.subscriptions()]).toEqual(['new']);
    expect(table.match('old')).toEqual([]);
  });

  it('that cannot be subscribed are named, the others are kept', () => {
    const table = new TopicTable();
    const faults = table.update('a' as ControlPath, routeOf('a', [mqtt('x/#/y'), mqtt('good')]));
    expect(faults).toEqual([{ filter: 'x/#/y', fault: expect.stringContaining('only come last') }]);
    expect([...table.subscriptions()]).toEqual(['good']);
  });
});

describe('a topic', () => {
  it('finds every handler that wants it, each once', () => {
    const table = tableOf({ a: [mqtt('r/1'), mqtt('r/+'), mqtt('#')], b: [mqtt('r/+')], c: [mqtt('s/+')] });
    expect(pathsOf(table, 'r/1')).toEqual(['a', 'b']);
    expect(table.match('$SYS/r')).toEqual([]);
  });
});

describe('what the wildcards stand for', () => {
  it('is told by number, of the first filter of the manifest that matches', () => {
    const table = tableOf({ a: [mqtt('x/y'), mqtt('+/b/#'), mqtt('#')] });
    const paramsOf = (topic: string) => table.match(topic)[0]?.params;
    expect(paramsOf('r1/b/c/d')).toEqual({ 0: 'r1', 1: 'c/d' });
    expect(paramsOf('r1/b')).toEqual({ 0: 'r1', 1: '' });
    expect(paramsOf('x/y')).toEqual({});
    expect(paramsOf('q//')).toEqual({ 0: 'q//' });
  });
});

describe('what the broker retained', () => {
  it('is for those who ask for it', () => {
    const table = tableOf({ a: [mqtt('r/1')], b: [{ mqtt: { filter: 'r/+', retained: true } }] });
    const asking = table.match('r/1').filter(({ retained }) => retained);
    expect(asking.map(({ path }) => path)).toEqual(['b']);
    expect(table.wantsRetained('r/+')).toBe(true);
    expect(table.wantsRetained('r/1')).toBe(false);
  });
});

describe('subscriptions', () => {
  it('never overlap where one filter covers another', () => {
    const table = tableOf({
      'r/1': [],
      a: [mqtt('r/+')],
      b: [mqtt('r/#')],
      c: [mqtt('s')],
      d: [mqtt('r/#')],
    });
    expect([...table.subscriptions()].sort()).toEqual(['r/#', 's']);
  });

  it('that overlap otherwise become one that covers both', () => {
    const table = tableOf({
      a: [mqtt('r/+/on')],
      b: [mqtt('r/1/+')],
      c: [mqtt('r/2/off')],
      d: [mqtt('r/2')],
    });
    expect([...table.subscriptions()].sort()).toEqual(['r/+/+', 'r/2']);
  });

  it('are what a topic may not be that answers are published on', () => {
    const table = tableOf({ 'users/find': [], a: [mqtt('r/+')] });
    expect(['users/find', 'r/1', 'r', 'reply/1'].map((topic) => table.isSubscribed(topic))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('of too many are a few wide ones, until there are far fewer again', () => {
    const table = new TopicTable(20);
    const put = (path: string, route?: Route) => table.update(path as ControlPath, route);
    const paths = Array.from({ length: 20 }, (_, index) => `${index % 2 ? 'a' : 'b'}/${index}`);
    for (const path of paths) put(path, routeOf(path, []));
    expect(table.subscriptions().size).toBe(20);
    put('b/20', routeOf('b/20', []));
    expect([...table.subscriptions()].sort()).toEqual(['a/#', 'b/#']);
    for (const path of paths.slice(0, 10)) put(path);
    expect([...table.subscriptions()].sort()).toEqual(['a/#', 'b/#']);
    for (const path of paths.slice(10, 18)) put(path);
    expect([...table.subscriptions()].sort()).toEqual(['a/19', 'b/18', 'b/20']);
  });

  it('of too many first levels are one for all', () => {
    const table = new TopicTable(10);
    for (const path of 'abcdefghijk') table.update(path as ControlPath, routeOf(path, []));
    expect([...table.subscriptions()]).toEqual(['#']);
  });

  it('that end with # count twice, as nats-server counts', () => {
    const table = new TopicTable(4);
    for (const path of ['a', 'b']) table.update(path as ControlPath, routeOf(path, [mqtt(`${path}/1/#`)]));
    expect(table.subscriptions().size).toBe(2);
    table.update('c' as ControlPath, routeOf('c', []));
    expect([...table.subscriptions()]).toEqual(['#']);
  });
});
