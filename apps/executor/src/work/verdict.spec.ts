import { describe, expect, it } from '@jest/globals';
import { ERRORS, type ErrorCode, MeshError, type OutcomeCode } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import { verdictOf } from './verdict.js';

const ID = '0190d0c0-0000-7000-8000-000000000001';
const NOW = Date.parse('2030-01-01T00:00:00Z');
const plain = (outcome: 'ok' | 'failed', retryAfter?: string): Outcome => ({
  outcome,
  status: outcome === 'ok' ? 200 : 400,
  body: new Uint8Array(0),
  ...(retryAfter === undefined ? {} : { meta: { headers: { 'retry-after': retryAfter } } }),
});
const error = (code: ErrorCode): Outcome => errorOutcome(new MeshError(code), ID);
const outcomeOf = (code: OutcomeCode): Outcome =>
  code === 'ok' || code === 'failed' ? plain(code) : error(code);
const verdict = (outcome: Outcome, attempt = 1, settings = {}, random = 1) =>
  verdictOf(outcome, { attempt, deliveries: attempt, settings }, NOW, () => random);

describe('what becomes of work', () => {
  it.each<[OutcomeCode, object]>([
    ['ok', { end: 'done' }],
    ['failed', { end: 'dead', reason: 'failed' }],
    ['handler-error', { end: 'retry', delayMs: 1_000, crashed: false }],
    ['deadline-exceeded', { end: 'retry', crashed: false }],
    ['worker-crashed', { end: 'retry', crashed: true }],
    ['internal', { end: 'retry', crashed: false }],
    ['bad-answer', { end: 'dead', reason: 'bad-answer' }],
    ['no-version', { end: 'dead', reason: 'no-version' }],
    ['bad-event', { end: 'dead', reason: 'bad-event' }],
    // The version's fault, not the event's.
    ['load-failed', { end: 'retry', crashed: false }],
    ['artifact-missing', { end: 'again', delayMs: 500 }],
    ['store-unavailable', { end: 'again' }],
    ['shutting-down', { end: 'again' }],
  ])('after %s', (code, expected) => {
    expect(verdict(outcomeOf(code))).toMatchObject(expected);
  });

  it('is decided for every code that there is', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[])
      if (code !== 'cancelled') expect(['dead', 'retry', 'again']).toContain(verdict(error(code)).end);
  });

  it('is nothing more where somebody cancelled it', () => {
    expect(verdict(error('cancelled'))).toEqual({ end: 'done' });
  });

  it.each([
    ['handler-error', 'handler-error'],
    ['worker-crashed', 'crashed'],
    ['deadline-exceeded', 'deadline-exceeded'],
  ] as const)('after the last %s is a dead letter: %s', (code, reason) => {
    expect(verdict(error(code), 4)).toMatchObject({ end: 'retry' });
    expect(verdict(error(code), 5)).toEqual({ end: 'dead', reason });
    expect(verdict(error(code), 1, { attempts: 1 })).toEqual({ end: 'dead', reason });
  });

  it('waits twice as long each time, five minutes at most, less by chance', () => {
    const delay = (attempt: number, random: number) =>
      (
        verdict(error('handler-error'), attempt, { attempts: 100, backoffMs: 100 }, random) as {
          delayMs: number;
        }
      ).delayMs;
    expect([1, 2, 3, 4].map((attempt) => delay(attempt, 1))).toEqual([100, 200, 400, 800]);
    expect(delay(50, 1)).toBe(300_000);
    expect(delay(3, 0.25)).toBe(100);
    expect(delay(1, 0)).toBe(1);
  });

  it.each([
    ['7', 7_000],
    ['0.5', 1_000],
    ['Tue, 01 Jan 2030 00:01:00 GMT', 60_000],
    ['99999999', 86_400_000],
  ])('is not tried before the handler wants it: %s', (retryAfter, ms) => {
    const { end, delayMs } = verdictOf(
      plain('failed', retryAfter),
      { attempt: 1, deliveries: 1, settings: undefined },
      NOW,
      () => 1,
    ) as { end: string; delayMs: number };
    expect(end).toBe('retry');
    expect(delayMs).toBeGreaterThanOrEqual(ms);
    expect(delayMs).toBeLessThanOrEqual(ms * 1.11);
  });

  it('a "later" counts, and the last one is final', () => {
    expect(verdict(plain('failed', '1'), 5)).toEqual({ end: 'dead', reason: 'failed' });
  });

  it('what found no worker does not count', () => {
    const refused = { ...error('worker-crashed'), meta: { headers: { 'retry-after': '3' } } };
    expect(verdict(refused, 5, {}, 0)).toEqual({ end: 'again', delayMs: 3_000 });
  });

  it('what says nothing of a time is no Retry-After', () => {
    expect(verdict(plain('failed', 'soon'))).toEqual({ end: 'dead', reason: 'failed' });
  });
});
