import { describe, expect, it } from 'vitest';
import { completeConfig, microBatchSize, parseTrainingConfig } from '../../src/domain/trainingConfig.ts';

const least = {
  architecture: 'convnext_large_in22k',
  itemTransform: { size: { height: 640, width: 480 } },
  size: { height: 224, width: 224 },
};

describe('a config', () => {
  it('that says no more than architecture and sizes is the recipe', () => {
    const { config } = parseTrainingConfig(least);
    expect(config).toMatchObject({
      pretrained: true,
      itemTransform: { method: 'CROP' },
      minScale: 0.75,
      effectiveBatchSize: 64,
      schedule: 'FINE_TUNE',
      epochs: 12,
      freezeEpochs: 1,
      baseLearningRate: 0.01,
      weightDecay: 0.01,
      validFraction: 0.2,
      labels: null,
      predict: { test: true, ttaPasses: 4, ttaBeta: 0.25 },
    });
  });

  it('divides the effective batch into accumulated micro-batches, which must come out whole', () => {
    const micro = (accumulation: number) => microBatchSize(parseTrainingConfig({ ...least, accumulation }).config!);
    expect([1, 2, 4].map(micro)).toEqual([64, 32, 16]);
    expect(parseTrainingConfig({ ...least, accumulation: 3 }).problems![0]).toMatchObject({ path: ['accumulation'] });
  });

  it('is told everything that is wrong with it at once, rules between fields included', () => {
    const { problems } = parseTrainingConfig({
      ...least,
      architecture: 'vit_tiny_patch16_224',
      size: { height: 50, width: 64 },
      accumulation: 3,
      weightsUri: 'https://example.org/weights',
      epochs: 0,
    });
    expect(problems!.map(({ path }) => path.join('.')).sort()).toEqual([
      'accumulation',
      'epochs',
      'size',
      'weightsUri',
    ]);
    const paths = (config: object) =>
      parseTrainingConfig(config, ['config']).problems!.map(({ path }) => path.join('.'));
    expect(paths({ ...least, architecture: 'no_such_net', effectiveBatchSize: 1, accumulation: 3 }).sort()).toEqual([
      'config.architecture',
      'config.effectiveBatchSize',
    ]);
    expect(paths({ ...least, weightsUri: `/${'x'.repeat(2000)}` })).toEqual(['config.weightsUri']);
  });

  it('may limit the memory of its trainer, in bytes', () => {
    expect(parseTrainingConfig(least).config!.memoryBudget).toBeNull();
    expect(parseTrainingConfig({ ...least, memoryBudget: 2 ** 33 }).config!.memoryBudget).toBe(2 ** 33);
    expect(parseTrainingConfig({ ...least, memoryBudget: 2 ** 26 }).config!.memoryBudget).toBe(2 ** 26);
    for (const memoryBudget of [0, -1, 1.5, 2 ** 26 - 1, 2 ** 53]) {
      expect(parseTrainingConfig({ ...least, memoryBudget }).problems).toMatchObject([{ path: ['memoryBudget'] }]);
    }
    const [problem] = parseTrainingConfig({ ...least, memoryBudget: 1000 }).problems!;
    expect(problem!.message).toBe('must be at least 67108864, got 1000');
    // Stored by a version that took less.
    expect(completeConfig({ ...least, memoryBudget: 1000 }).memoryBudget).toBe(1000);
    expect(completeConfig(least).memoryBudget).toBeNull();
  });
});
