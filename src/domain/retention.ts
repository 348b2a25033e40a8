/** For how many days things are kept; null: for good. */
export interface RetentionPolicy {
  /** Events, log lines, memory samples and metric points of a run, from its end on. */
  readonly detailsDays: number | null;
  /** Checkpoints of a run, from its end on. */
  readonly checkpointsDays: number | null;
  readonly auditDays: number | null;
  readonly idempotencyDays: number;
  /** Rows of workers that are not seen any more. */
  readonly workersDays: number;
}
