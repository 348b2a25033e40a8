import { describe, expect, test } from 'vitest';
import { exhausted, retryDelay, retryPolicy } from '../../src/domain/retry.ts';
import type { RunFailure, RunFailureCode } from '../../src/domain/run.ts';

const failure = (code: RunFailureCode, retryable = true): RunFailure => ({ code, message: 'why', retryable });
const delays = (code: RunFailureCode) =>
  Array.from({ length: 12 }, (_, i) => retryDelay(failure(code), i + 1, retryPolicy)).filter((delay) => delay !== null);

describe('a failed attempt is followed by another', () => {
  test('after a time that doubles up to a limit, and so often', () => {
    expect(delays('TRAINER_CRASHED')).toEqual([0, 1, 2, 4, 8]);
    expect(delays('LEASE_LOST')).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(delays('WEIGHTS_UNAVAILABLE')).toEqual([10, 20, 40, 80, 160]);
    expect(delays('OUT_OF_MEMORY')).toEqual([15, 30, 60]);
    expect(delays('DATA_UNREADABLE')).toEqual([15, 30, 60]);
    expect(delays('INTERNAL')).toEqual([5, 10, 20, 40, 80]);
    const many = { ...retryPolicy, INTERNAL: { firstDelay: 5, longestDelay: 30, attempts: 9 } };
    expect(retryDelay(failure('INTERNAL'), 8, many)).toBe(30);
  });

  test('never when it would meet the same end', () => {
    for (const code of ['INVALID_INPUT', 'DIVERGED', 'TIMEOUT'] as const) {
      expect(delays(code), code).toEqual([]);
    }
    for (const code of ['TRAINER_CRASHED', 'DATA_UNREADABLE'] as const) {
      expect(retryDelay(failure(code, false), 1, retryPolicy)).toBeNull();
    }
  });

  test('and the last one says how many came before it', () => {
    expect(exhausted(failure('INTERNAL'), 1)).toEqual(failure('INTERNAL'));
    expect(exhausted(failure('INTERNAL'), 3).message).toBe('3 attempts in a row came no further; the last one: why');
  });
});
