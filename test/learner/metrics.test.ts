import { describe, expect, it } from 'vitest';
import { createEvaluator, createSmoothedLoss, softmaxRows } from '../../src/learner/metrics.ts';
import { combinePasses } from '../../src/learner/tta.ts';
import { goldenJson, goldenTensors, maxDifference } from '../models/goldenFiles.ts';

describe('metrics follow fastai', () => {
  const golden = goldenJson('fastai/metrics');

  it('smooths the training loss', () => {
    const smoothed = createSmoothedLoss();
    const values = golden.train_losses.map((loss: number) => smoothed.add(loss));
    expect(maxDifference(values, golden.smoothed)).toBeLessThan(1e-12);
  });

  it('weighs uneven validation batches by their size', async () => {
    const tensors = await goldenTensors('fastai/metrics');
    const evaluator = createEvaluator(4);
    golden.batch_sizes.forEach((_: number, i: number) => {
      evaluator.add(tensors.float(`logits.${i}`), tensors.int(`target.${i}`));
    });
    const { loss, errorRate, accuracy } = evaluator.result();
    expect(loss).toBeCloseTo(golden.valid_loss, 6);
    expect(errorRate).toBeCloseTo(golden.error_rate, 6);
    expect(accuracy).toBeCloseTo(1 - golden.error_rate, 6);
  });

  it('keeps softmax finite for large logits', () => {
    expect([...softmaxRows(Float32Array.of(1000, 1000, -1000, 0), 2)]).toEqual([0.5, 0.5, 0, 1]);
  });
});

describe('test-time augmentation', () => {
  it('mixes the mean of the augmented passes with the plain one', async () => {
    const { beta } = goldenJson('fastai/tta_ensemble');
    const tensors = await goldenTensors('fastai/tta_ensemble');
    const probabilities = (name: string) => softmaxRows(tensors.float(name), 10);
    const augmented = [0, 1, 2, 3].map((i) => probabilities(`aug_logits.${i}`));
    const combined = combinePasses(probabilities('plain_logits'), augmented, beta);
    expect(maxDifference(combined, tensors.float('tta_probs'))).toBeLessThan(1e-6);
  });

  it('is the plain pass when there are no augmented ones', () => {
    const plain = Float32Array.of(0.25, 0.75);
    expect(combinePasses(plain, [], 0.25)).toEqual(plain);
  });
});
