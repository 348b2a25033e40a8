import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { gradientOf } from '../../src/learner/adam.ts';
import { createLearner, type Learner, type TrainBatch } from '../../src/learner/learner.ts';
import { maxDifference } from '../models/goldenFiles.ts';
import { engines } from './engines.ts';
import { softmaxRegression } from './softmaxRegression.ts';

const batch = (...values: number[]): TrainBatch => ({
  inputs: Float32Array.from(values),
  labels: Int32Array.of(0, 1),
  masks: {},
});
const first = batch(1, 2, 3, 4);
const second = batch(-2, 1, 0.5, -1);

describe.each(engines)('on $name', ({ create }) => {
  let engine: Engine;
  let learner: Learner;
  beforeAll(async () => {
    engine = await create();
    learner = await createLearner({
      engine,
      model: softmaxRegression(2, 2),
      weights: new Map([
        ['weight', Float32Array.of(0.1, -0.2, 0.3, 0.4)],
        ['bias', Float32Array.of(0, 0)],
      ]),
      batchSize: 2,
      effectiveBatchSize: 4,
      weightDecay: 0,
    });
  });
  afterAll(async () => {
    await learner.dispose();
    await engine.dispose();
  });

  it('gradients of a fit that led to no step are part of the next fit’s first one', async () => {
    const gradient = () => learner.read(gradientOf('weight'));
    const frozen = await learner.begin(true);
    await frozen.accumulate(first);
    const left = await gradient();
    expect(Math.max(...left.map(Math.abs))).toBeGreaterThan(0.1);
    await frozen.dispose();

    const unfrozen = await learner.begin(false);
    expect(await gradient()).toEqual(left);
    await unfrozen.accumulate(second);
    const together = await gradient();
    await unfrozen.update({ learningRates: [0, 1e-30], momentum: 0.9 });
    expect(maxDifference(await gradient(), new Float32Array(4)), 'cleared by the step').toBe(0);
    await unfrozen.accumulate(second);
    const alone = await gradient();
    await unfrozen.dispose();
    expect(
      maxDifference(
        together,
        left.map((value, i) => value + alone[i]!),
      ),
    ).toBeLessThan(1e-6);
  });
});
