import type { EpochMetrics } from '../domain/run.ts';
import type { Queryable } from './queryable.ts';

/** Adds epochs; one that the run has already is left as it is. Returns those that it had not. */
export async function insertEpochs(
  db: Queryable,
  runId: string,
  epochs: readonly EpochMetrics[],
  completedAt: Date,
): Promise<EpochMetrics[]> {
  const added: EpochMetrics[] = [];
  for (const epoch of epochs) {
    const rows = await db.$executeRaw`
      insert into epoch_metric (run_id, index, phase, train_loss, valid_loss, error_rate, accuracy, seconds,
        learning_rates, momentum, images_per_second, peak_memory, completed_at)
      values (${runId}, ${epoch.index}, ${epoch.phase}::run_phase, ${String(epoch.trainLoss)}::text::float8,
        ${String(epoch.validLoss)}::text::float8, ${epoch.errorRate}, ${epoch.accuracy}, ${epoch.seconds},
        ${epoch.learningRates.map(String)}::text[]::float8[], ${epoch.momentum}, ${epoch.imagesPerSecond},
        ${String(epoch.peakMemory)}::text::bigint, ${completedAt})
      on conflict do nothing`;
    if (rows === 1) added.push(epoch);
  }
  return added;
}

/** Removes a run's epochs from this index on. */
export async function deleteEpochsFrom(db: Queryable, runId: string, index: number): Promise<void> {
  await db.epochMetric.deleteMany({ where: { runId, index: { gte: index } } });
}

export interface StoredEpoch extends EpochMetrics {
  readonly runId: string;
  readonly completedAt: Date;
}

/** Epochs of several runs, by run and index. */
export async function findEpochs(db: Queryable, runIds: readonly string[]): Promise<StoredEpoch[]> {
  const rows = await db.epochMetric.findMany({
    where: { runId: { in: [...runIds] } },
    orderBy: [{ runId: 'asc' }, { index: 'asc' }],
  });
  return rows.map((row) => ({ ...row, peakMemory: Number(row.peakMemory) }));
}
