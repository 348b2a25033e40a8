/** The names under which a run's figures are stored, ranked and filtered: `split/quantity`. */

import type { EpochMetrics, MetricPoint } from './run.ts';

/** The figures of an epoch as points of their series; the step is the number of epochs done. */
export function epochPoints(epoch: EpochMetrics): MetricPoint[] {
  const step = epoch.index + 1;
  return [
    { name: 'train/epoch_loss', step, value: epoch.trainLoss },
    { name: 'valid/loss', step, value: epoch.validLoss },
    { name: 'valid/error_rate', step, value: epoch.errorRate },
    { name: 'valid/accuracy', step, value: epoch.accuracy },
  ];
}
