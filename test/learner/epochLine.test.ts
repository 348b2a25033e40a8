import { expect, test } from 'vitest';
import type { EpochMetrics } from '../../src/domain/run.ts';
import { epochLine } from '../../src/learner/epochLine.ts';

const epoch: EpochMetrics = {
  ...{ index: 2, phase: 'UNFROZEN', trainLoss: 0.4213, validLoss: 0.31209999, errorRate: 0.0975, accuracy: 0.9025 },
  ...{ seconds: 12.34, learningRates: [0.01], momentum: 0.9, imagesPerSecond: 145.23, peakMemory: 1 },
};

test('an epoch is one line of the columns of fastai’s table', () => {
  expect(epochLine(epoch, 13)).toBe(
    'epoch  3/13  train_loss 0.421300  valid_loss 0.312100  error_rate 0.097500  seconds 12.3  images/s 145.2',
  );
  expect(epochLine({ ...epoch, index: 0, phase: 'FROZEN' }, 3)).toMatch(
    /^epoch 1\/3 {2}train_loss.*images\/s 145\.2 {2}head only$/,
  );
});

test('whatever the numbers are, the line stays short', () => {
  const losses = { trainLoss: Number.NaN, validLoss: Number.POSITIVE_INFINITY };
  expect(epochLine({ ...epoch, ...losses }, 3)).toContain('train_loss NaN  valid_loss Infinity  ');
  const large = { trainLoss: 1.5e300, validLoss: 123_456_789, seconds: 1e9, imagesPerSecond: 1e9 };
  const line = epochLine({ ...epoch, ...large, index: 99_999 }, 100_000);
  expect(line).toContain('train_loss 1.500000e+300  valid_loss 1.234568e+8  ');
  expect(line.length).toBeLessThan(200);
});
