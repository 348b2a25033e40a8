import { type RetryPolicy, retryPolicy } from '../../src/domain/retry.ts';

/** The policy of retries without its waiting, and with less patience. */
export const quickRetries = Object.fromEntries(
  Object.entries(retryPolicy).map(([code, rule]) => [code, rule && { firstDelay: 0, longestDelay: 0, attempts: 2 }]),
) as RetryPolicy;
