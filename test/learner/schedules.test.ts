import { describe, expect, it } from 'vitest';
import { type Fit, fineTune, fitOneCycle, oneCycle, peakRates, type Schedule } from '../../src/learner/schedules.ts';
import { goldenJson } from '../models/goldenFiles.ts';

const golden = goldenJson('fastai/schedules');

interface GoldenStep {
  readonly pct: number;
  readonly lr: readonly number[];
  readonly mom: number;
}

function expectSchedule(schedule: Schedule, steps: readonly GoldenStep[]): void {
  expect(steps.length).toBeGreaterThan(0);
  for (const { pct, lr, mom } of steps) {
    const rates = schedule(pct);
    const worst = Math.max(...lr.map((rate, group) => Math.abs(rates.learningRates[group]! / rate - 1)));
    expect(worst, `rate at ${pct}`).toBeLessThan(1e-5);
    expect(Math.abs(rates.momentum / mom - 1), `momentum at ${pct}`).toBeLessThan(1e-5);
    expect(rates.learningRates).toHaveLength(lr.length);
  }
}

describe('schedules follow fastai', () => {
  it('fine_tune: frozen, then unfrozen at half the rate', () => {
    const fits = fineTune(3, 1, 0.01);
    expect(fits.map((fit) => [fit.frozen, fit.epochs])).toEqual([
      [true, 1],
      [false, 3],
    ]);
    expectSchedule(fits[0]!.schedule, golden.fine_tune.phase1.steps);
    expectSchedule(fits[1]!.schedule, golden.fine_tune.phase2.steps);
  });

  it('fine_tune over the recipe’s 12 epochs of 260 micro-batches', () => {
    expectSchedule(fineTune(12, 1, 0.01)[1]!.schedule, golden.notebook_12_epochs_260_batches_sampled.steps);
  });

  it('fit_one_cycle on everything', () => {
    const [fit, ...more] = fitOneCycle(1, 0.01) as [Fit];
    expect(more).toEqual([]);
    expect(fit.frozen).toBe(false);
    expectSchedule(fit.schedule, golden.fit_one_cycle_after_unfreeze.steps);
  });

  it('spreads a range of rates geometrically over three groups', () => {
    expectSchedule(oneCycle({ learningRate: { from: 1e-5, to: 1e-3 }, groups: 3 }), golden.three_groups_slice.steps);
  });

  it('gives every group but the last a tenth when only the end of the range is given', () => {
    expect(peakRates({ to: 1 }, 3)).toEqual([0.1, 0.1, 1]);
    expect(peakRates(1, 2)).toEqual([1, 1]);
  });

  it('leaves the frozen fit out when it has no epochs', () => {
    expect(fineTune(2, 0, 0.01).map((fit) => fit.frozen)).toEqual([false]);
  });
});
