import { expect, test } from 'vitest';
import { fitOf, type Measurement, measurementsOf } from '../../../client/src/domain/measurements.ts';

const measured = (microBatchSize: number, peakMemory: number, complete = true): Measurement => ({
  probeId: 'prb_1',
  device: 'CPU',
  architecture: 'convnext_atto',
  size: { height: 64, width: 64 },
  precision: 'AUTO',
  microBatchSize,
  peakMemory,
  complete,
});

test('the smallest accumulation that fits, by whatever probe it was measured', () => {
  const all = [measured(64, 900), measured(32, 500), measured(16, 300)];
  expect(fitOf(all, 1000, 64)).toMatchObject({ kind: 'fits', accumulation: 1, smallest: true });
  expect(fitOf(all, 600, 64)).toMatchObject({ kind: 'fits', accumulation: 2, smallest: true });
  expect(fitOf(all, 300, 128)).toMatchObject({ kind: 'fits', accumulation: 8, smallest: true });
  expect(fitOf(all, 100, 64)).toMatchObject({ kind: 'too much', accumulation: 4, last: false });
  expect(fitOf([...all, measured(2, 200)], 100, 64)).toMatchObject({ kind: 'too much', accumulation: 32, last: true });
  expect(fitOf([], 100, 64)).toEqual({ kind: 'unknown' });
});

test('what fits may not be the smallest when nothing larger was measured', () => {
  expect(fitOf([measured(16, 300)], 1000, 64)).toMatchObject({ kind: 'fits', accumulation: 4, smallest: false });
});

test('a trainer that was ended at a limit needs more than that', () => {
  const ended = [measured(64, 700, false)];
  expect(fitOf(ended, 600, 64)).toMatchObject({ kind: 'too much', accumulation: 1 });
  // It says nothing of larger budgets.
  expect(fitOf(ended, 800, 64)).toEqual({ kind: 'unknown' });
  expect(fitOf([...ended, measured(32, 400)], 600, 64)).toMatchObject({ accumulation: 2, smallest: true });
});

test('micro-batches that do not divide the batch are no answer', () => {
  expect(fitOf([measured(24, 300)], 1000, 64)).toEqual({ kind: 'unknown' });
});

test('measurements of probes: what did not come to a number is none', () => {
  const trial = (microBatchSize: number, peakMemory: number | null, outcome: 'FITS' | 'OUT_OF_MEMORY' | 'FAILED') => ({
    ...{ microBatchSize, peakMemory, outcome },
  });
  const probe = {
    id: 'prb_1',
    createdAt: '2026-11-23T00:00:00.000Z',
    device: 'CPU',
    targets: [
      {
        architecture: 'convnext_atto',
        size: { height: 64, width: 64 },
        precision: 'AUTO',
        trials: [trial(64, 900, 'OUT_OF_MEMORY'), trial(32, null, 'FAILED'), trial(16, 300, 'FITS')],
      },
    ],
  };
  expect(measurementsOf([probe])).toEqual([measured(64, 900, false), measured(16, 300)]);
});
