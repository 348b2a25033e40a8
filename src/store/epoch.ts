import type { EpochMetrics } from '../domain/run.ts';
import type { Queryable } from './queryable.ts';

export async function insertEpochs(
  db: Queryable,
  runId: string,
  epochs: readonly EpochMetrics[],
  completedAt: Date,
): Promise<void> {
  for (const epoch of epochs) {
    await db.$executeRaw`
      insert into epoch_metric (run_id, index, phase, train_loss, valid_loss, error_rate, accuracy, seconds,
        learning_rates, momentum, images_per_second, peak_memory, completed_at)
      values (${runId}, ${epoch.index}, ${epoch.phase}::run_phase, ${String(epoch.trainLoss)}::text::float8,
        ${String(epoch.validLoss)}::text::float8, ${epoch.errorRate}, ${epoch.accuracy}, ${epoch.seconds},
        ${epoch.learningRates.map(String)}::text[]::float8[], ${epoch.momentum}, ${epoch.imagesPerSecond},
        ${String(epoch.peakMemory)}::text::bigint, ${completedAt})`;
  }
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
