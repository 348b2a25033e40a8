import { describe, expect, test } from 'vitest';
import { type Preset, quick } from '../../src/bin/demo/presets.ts';
import { recipePreset } from '../../src/bin/demo/recipe.ts';
import { scales } from '../../src/bin/demo/scales.ts';
import { findArchitecture } from '../../src/domain/architecture.ts';
import { SweepGrid } from '../../src/domain/sweepGrid.ts';
import { parseTrainingConfig, type TrainingConfig } from '../../src/domain/trainingConfig.ts';

/** The complete configs of a preset's runs, in order. */
function configsOf({ sweeps, config }: Preset): TrainingConfig[] {
  return sweeps.flatMap((sweep) => {
    const cells = new SweepGrid({ ...sweep, config: { ...config } }).cells();
    expect(cells.flatMap((cell) => cell.problems)).toEqual([]);
    return cells.map((cell) => cell.config!);
  });
}

const size = (height: number, width = height) => ({ height, width });
const presets = Object.fromEntries(
  Object.values(scales).flatMap((scale) =>
    [true, false].map((pretrained) => {
      const preset = recipePreset(scale, { pretrained });
      return [preset.name, preset];
    }),
  ),
);

describe.each(Object.entries({ ...presets, quick }))('%s', (_, preset) => {
  test('has at least two architectures by two preprocessings, with accumulation 2', () => {
    const configs = configsOf(preset);
    expect(new Set(configs.map((config) => config.architecture)).size).toBeGreaterThanOrEqual(2);
    expect(new Set(configs.map((config) => JSON.stringify(config))).size).toBe(configs.length);
    for (const { accumulation } of configs) expect(accumulation).toBe(2);
  });

  test('probes networks that the server takes', () => {
    for (const { targets, effectiveBatchSize, budgetMebibytes } of preset.probes) {
      expect(budgetMebibytes).toBeGreaterThan(0);
      for (const { architecture, size, itemTransform } of targets) {
        const config = { architecture, size, itemTransform: itemTransform ?? { size }, effectiveBatchSize };
        expect(parseTrainingConfig(config).problems).toBeUndefined();
      }
    }
  });
});

describe.each(Object.values(scales))('the recipe at scale $name', (scale) => {
  const preset = recipePreset(scale, { pretrained: true });
  const configs = configsOf(preset);

  test('is the four families in the notebook’s order, each twice, from pretrained weights', () => {
    const families = configs.map(({ architecture }) => findArchitecture(architecture)!.family);
    expect(families).toEqual(['convnext', 'convnext', 'vit', 'vit', 'swinv2', 'swinv2', 'swin', 'swin']);
    for (const config of configs) {
      expect(config).toMatchObject({
        pretrained: true,
        schedule: 'FINE_TUNE',
        freezeEpochs: 1,
        baseLearningRate: 0.01,
        predict: { test: true, valid: true, ttaPasses: 4, ttaBeta: 0.25 },
      });
    }
  });

  test('crops ConvNeXt’s images both times and sees them once tall; the others are squished, then cropped', () => {
    const methods = configs.map(({ itemTransform }) => itemTransform.method);
    expect(methods).toEqual(['CROP', 'CROP', 'SQUISH', 'CROP', 'SQUISH', 'CROP', 'SQUISH', 'CROP']);
    const [first, second] = configs;
    expect(second!.itemTransform).toEqual(first!.itemTransform);
    expect(second!.size.height).toBeGreaterThan(second!.size.width);
    expect(second!.size.width).toBe(first!.size.width);
    for (const [squished, cropped] of [configs.slice(2, 4), configs.slice(4, 6), configs.slice(6, 8)]) {
      expect(cropped!.size).toEqual(squished!.size);
    }
  });

  test('keeps the proportions of 640 x 480, 224, 192 and 320 x 224', () => {
    for (const { itemTransform } of configs) {
      const { height, width } = itemTransform.size;
      expect(height / width).toBe(itemTransform.method === 'CROP' ? 640 / 480 : 1);
    }
    const share = scale.itemSide / 480;
    expect(Math.abs(scale.side / 224 / share - 1)).toBeLessThan(0.06);
    expect(Math.abs(scale.tall.height / 320 / share - 1)).toBeLessThan(0.06);
    // SwinV2 takes few sizes.
    expect(Math.abs(scale.swinv2Side / 192 / share - 1)).toBeLessThan(0.34);
  });

  test('shares one split, whatever the seed', () => {
    expect(new Set(configs.map((config) => config.splitSeed))).toEqual(new Set([42]));
  });

  test('probes every network of its runs, ConvNeXt also tall', () => {
    const [tight, list] = preset.probes;
    expect(tight!.targets).toHaveLength(1);
    const probed = list!.targets.map(({ architecture }) => findArchitecture(architecture)!.family);
    expect(probed).toEqual(['convnext', 'convnext', 'vit', 'swinv2', 'swin']);
    expect(new Set(list!.targets.map(({ architecture }) => architecture))).toEqual(
      new Set(configs.map(({ architecture }) => architecture)),
    );
    expect(list!.effectiveBatchSize).toBe(configs[0]!.effectiveBatchSize);
  });
});

describe('scale full is the notebook', () => {
  const full = recipePreset(scales.full, { pretrained: true });

  // training-semantics 1.4: index, architecture, item transform, size.
  const squish = { method: 'SQUISH', size: size(480) };
  const crop = { method: 'CROP', size: size(640, 480) };
  const table = [
    ['convnext_large_in22k', crop, size(224)],
    ['convnext_large_in22k', crop, size(320, 224)],
    ['vit_large_patch16_224', squish, size(224)],
    ['vit_large_patch16_224', crop, size(224)],
    ['swinv2_large_window12_192_22k', squish, size(192)],
    ['swinv2_large_window12_192_22k', crop, size(192)],
    ['swin_large_patch4_window7_224', squish, size(224)],
    ['swin_large_patch4_window7_224', crop, size(224)],
  ] as const;

  test('in its eight runs', () => {
    const configs = configsOf(full);
    expect(configs.map((c) => [c.architecture, c.itemTransform, c.size])).toEqual(table);
    for (const config of configs) {
      expect(config).toMatchObject({
        pretrained: true,
        weightsUri: null,
        minScale: 0.75,
        effectiveBatchSize: 64,
        accumulation: 2,
        autoAccumulation: false,
        schedule: 'FINE_TUNE',
        epochs: 12,
        freezeEpochs: 1,
        baseLearningRate: 0.01,
        weightDecay: 0.01,
        precision: 'FP16',
        validFraction: 0.2,
        seed: 42,
        labels: null,
        predict: { ttaPasses: 4, ttaBeta: 0.25 },
      });
    }
  });

  test('in its memory probes', () => {
    const probed = full.probes.map(({ targets, ...rest }) => ({
      ...rest,
      targets: targets.map((target) => [target.architecture, target.size, target.itemTransform, target.precision]),
    }));
    expect(probed).toEqual([
      {
        effectiveBatchSize: 64,
        budgetMebibytes: 4096,
        targets: [['convnext_small_in22k', size(128), squish, 'FP16']],
      },
      {
        effectiveBatchSize: 64,
        budgetMebibytes: 16 * 1024,
        targets: [
          ['convnext_large_in22k', size(224), squish, 'FP16'],
          ['convnext_large_in22k', size(320, 240), squish, 'FP16'],
          ['vit_large_patch16_224', size(224), squish, 'FP16'],
          ['swinv2_large_window12_192_22k', size(192), squish, 'FP16'],
          ['swin_large_patch4_window7_224', size(224), squish, 'FP16'],
        ],
      },
    ]);
  });
});

test('what differs from the scale is in the name, so that it gets an experiment of its own', () => {
  const name = (options: Parameters<typeof recipePreset>[1]) => recipePreset(scales.mini, options).name;
  expect(name({ pretrained: true })).toBe('recipe mini');
  expect(name({ pretrained: true, epochs: scales.mini.epochs })).toBe('recipe mini');
  expect(name({ pretrained: false, epochs: 9 })).toBe('recipe mini 9 epochs random weights');
});
