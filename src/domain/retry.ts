/** Which failed attempts of a run are followed by another one, and when. */

import type { RunFailure, RunFailureCode } from './run.ts';

interface RetryRule {
  /** Failures in a row that are followed by the next attempt without waiting: another run would take its place meanwhile, for hours perhaps. */
  readonly atOnce?: number;
  /** Seconds to wait after the first failure that is not; doubled with each further one. */
  readonly firstDelay: number;
  /** Seconds that are never exceeded. */
  readonly longestDelay: number;
  /** Attempts in a row that may fail without a newer checkpoint or epoch; the last one makes the run FAILED. */
  readonly attempts: number;
}

export type RetryPolicy = Readonly<Record<RunFailureCode, RetryRule | null>>;

/**
 * Null where another attempt would meet the same end. Otherwise it depends on the failure: `retryable` says whether this one may not
 * happen again. OUT_OF_MEMORY: only when the machine's memory ran out, not the run's own limit.
 * DATA_UNREADABLE: only where a machine cannot have the images for now. Failures of all codes count together.
 */
export const retryPolicy: RetryPolicy = {
  INVALID_INPUT: null,
  OUT_OF_MEMORY: { firstDelay: 15, longestDelay: 120, attempts: 4 },
  DIVERGED: null,
  TRAINER_CRASHED: { atOnce: 1, firstDelay: 1, longestDelay: 60, attempts: 6 },
  LEASE_LOST: { firstDelay: 0, longestDelay: 60, attempts: 10 },
  DATA_UNREADABLE: { firstDelay: 15, longestDelay: 120, attempts: 4 },
  WEIGHTS_UNAVAILABLE: { firstDelay: 10, longestDelay: 600, attempts: 6 },
  TIMEOUT: null,
  INTERNAL: { firstDelay: 5, longestDelay: 120, attempts: 6 },
};

/**
 * Seconds after which a run is tried again; null: it is not.
 * @param failed attempts that have failed one after the other without progress, this one included
 */
export function retryDelay(failure: RunFailure, failed: number, policy: RetryPolicy): number | null {
  const rule = policy[failure.code];
  if (!failure.retryable || !rule || failed >= rule.attempts) return null;
  const late = failed - (rule.atOnce ?? 0);
  return late > 0 ? Math.min(rule.firstDelay * 2 ** (late - 1), rule.longestDelay) : 0;
}

/** The last failure of a run that was tried again in vain. */
export function exhausted(failure: RunFailure, failed: number): RunFailure {
  if (failed < 2) return failure;
  return { ...failure, message: `${failed} attempts in a row came no further; the last one: ${failure.message}` };
}
