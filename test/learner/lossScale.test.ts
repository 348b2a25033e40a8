import { expect, it } from 'vitest';
import { createLossScale, type LossScale } from '../../src/learner/lossScale.ts';
import { goldenJson } from '../models/goldenFiles.ts';

interface Traced {
  readonly found_inf: boolean;
  readonly scale_used: number;
  readonly step_skipped: boolean;
  readonly scale_after: number;
}
const { defaults, trace, trace_small_interval: small } = goldenJson('fastai/grad_scaler');

function follow(scale: LossScale, steps: readonly Traced[]): void {
  expect(steps.length).toBeGreaterThan(5);
  steps.forEach((step, i) => {
    expect(scale.value, `used at step ${i}`).toBe(step.scale_used);
    expect(step.step_skipped).toBe(step.found_inf);
    scale.update(step.found_inf);
    expect(scale.value, `after step ${i}`).toBe(step.scale_after);
  });
}

it('follows PyTorch from its defaults', () => {
  follow(createLossScale(), trace);
});

it('follows PyTorch where the scale grows', () => {
  follow(createLossScale({ growthInterval: small.interval }), small.steps);
});

it('has PyTorch’s defaults', () => {
  const scale = createLossScale();
  expect(scale.value).toBe(defaults.init_scale);
  for (let i = 1; i < defaults.growth_interval; i++) scale.update(false);
  expect(scale.value).toBe(defaults.init_scale);
  scale.update(false);
  expect(scale.value).toBe(defaults.init_scale * defaults.growth_factor);
  scale.update(true);
  expect(scale.value).toBe(defaults.init_scale * defaults.growth_factor * defaults.backoff_factor);
});
