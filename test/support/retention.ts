import type { RetentionPolicy } from '../../src/domain/retention.ts';

/** That of a server whose environment says nothing. */
export const usualRetention: RetentionPolicy = {
  detailsDays: null,
  checkpointsDays: null,
  auditDays: null,
  idempotencyDays: 30,
  workersDays: 30,
};
