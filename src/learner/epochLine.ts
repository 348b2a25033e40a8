/** What the log says of an epoch: the columns of fastai's table, and images per second. */

import type { EpochMetrics } from '../domain/run.ts';

/**
 * `epoch  3/13  train_loss 0.421300  valid_loss 0.312100  error_rate 0.097500  seconds 12.3  images/s 145.2`; of an epoch that trained the
 * head alone with that behind it.
 * @param epochs of the whole run
 */
export function epochLine(epoch: EpochMetrics, epochs: number): string {
  const { index, phase, trainLoss, validLoss, errorRate, seconds, imagesPerSecond } = epoch;
  const total = String(epochs);
  const columns = [
    `epoch ${String(index + 1).padStart(total.length)}/${total}`,
    `train_loss ${decimals(trainLoss)}`,
    `valid_loss ${decimals(validLoss)}`,
    `error_rate ${decimals(errorRate)}`,
    `seconds ${seconds.toFixed(1)}`,
    `images/s ${imagesPerSecond.toFixed(1)}`,
    ...(phase === 'FROZEN' ? ['head only'] : []),
  ];
  return columns.join('  ');
}

/** Six of them, as in fastai's table; what would be too long for that with an exponent. */
function decimals(value: number): string {
  return Math.abs(value) < 1e6 ? value.toFixed(6) : value.toExponential(6);
}
