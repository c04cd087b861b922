import { describe, expect, it } from '@jest/globals';
import { isOutage, sqlState } from './outage.js';

const failure = (fields: object, message = 'x') => Object.assign(new Error(message), fields);

describe('an outage', () => {
  it.each([
    ['nobody listens', failure({ code: 'ECONNREFUSED' })],
    ['each address of a name refuses', new AggregateError([failure({ code: 'ECONNREFUSED' })])],
    ['the server is stopped, seen through TypeORM', failure({ driverError: failure({ code: '57P01' }) })],
    ['any connection exception', failure({ code: '08006' })],
    ['what pg says in words alone', failure({}, 'Connection terminated unexpectedly')],
    ['a lock that was held too long', failure({ driverError: { code: '55P03' } })],
  ])('is: %s', (_, error) => {
    expect(isOutage(error)).toBe(true);
  });

  it.each([
    ['a wrong password', failure({ code: '28P01' })],
    ['a statement of ours that is wrong', failure({ driverError: failure({ code: '42601' }) })],
    ['a row that must not change', failure({ driverError: failure({ code: '23001' }) })],
    ['nothing', undefined],
    ['a text', 'ECONNREFUSED'],
  ])('is not: %s', (_, error) => {
    expect(isOutage(error)).toBe(false);
  });

  it('has an SQLSTATE only where Postgres gave one', () => {
    expect(sqlState(failure({ driverError: { code: '22P05' } }))).toBe('22P05');
    expect(sqlState(failure({ code: 'ECONNREFUSED' }))).toBeUndefined();
    expect(sqlState(undefined)).toBeUndefined();
  });
});
