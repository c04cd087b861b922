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
const http: Triggers[number] = { http: { method: 'GET' } };

describe('the topics of a route', () => {
  it('are its path when it names no trigger, and none when it names others only', () => {
    const table = tableOf({ 'users/find': [], 'users/list': [http] });
    expect([...table.subscriptions()]).toEqual(['users/find']);
    expect(table.match('users/find')).toEqual(['users/find']);
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
    expect(table.match('shared')).toEqual(['b']);
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
    expect(table.match('r/1').sort()).toEqual(['a', 'b']);
    expect(table.match('$SYS/r')).toEqual([]);
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
});
