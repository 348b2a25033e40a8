/** The notebook "Scaling Up: Road to the Top, Part 3" at one of its scales. examples/road-to-the-top/ tells it cell by cell. */

import type { Preprocessing, Preset, SweepPlan } from './presets.ts';
import { square } from './presets.ts';
import type { Scale } from './scales.ts';

export interface RecipeOptions {
  /** False: random weights, where pretrained ones cannot be had. */
  readonly pretrained: boolean;
  /** Instead of the scale's. */
  readonly epochs?: number | undefined;
}

const seed = 42;

/** Its probes, a sweep for each entry of the notebook's dictionary of models, in its order, and what they share. */
export function recipePreset(scale: Scale, { pretrained, epochs }: RecipeOptions): Preset {
  const { effectiveBatchSize, precision, tightProbe, budgetMebibytes } = scale;
  const itemTransform = squish(scale);
  const variant = [
    ...(epochs === undefined || epochs === scale.epochs ? [] : [epochs === 1 ? '1 epoch' : `${epochs} epochs`]),
    ...(pretrained ? [] : ['random weights']),
  ];
  return {
    name: ['recipe', scale.name, ...variant].join(' '),
    probes: [
      {
        targets: [{ architecture: tightProbe.architecture, size: tightProbe.size, itemTransform, precision }],
        effectiveBatchSize,
        budgetMebibytes: tightProbe.budgetMebibytes,
      },
      {
        targets: [
          { architecture: scale.convnext, size: square(scale.side) },
          { architecture: scale.convnext, size: scale.tallProbe },
          { architecture: scale.vit, size: square(scale.side) },
          { architecture: scale.swinv2, size: square(scale.swinv2Side) },
          { architecture: scale.swin, size: square(scale.side) },
        ].map((target) => ({ ...target, itemTransform, precision })),
        effectiveBatchSize,
        budgetMebibytes,
      },
    ],
    sweeps: sweepsOf(scale),
    config: {
      pretrained,
      schedule: 'FINE_TUNE',
      epochs: epochs ?? scale.epochs,
      freezeEpochs: 1,
      baseLearningRate: 0.01,
      effectiveBatchSize,
      accumulation: 2,
      precision,
      seed,
      splitSeed: seed,
      predict: { ttaPasses: 4, ttaBeta: 0.25 },
    },
    continues: true,
  };
}

function sweepsOf(scale: Scale): SweepPlan[] {
  const crop = { size: { height: (scale.itemSide * 4) / 3, width: scale.itemSide }, method: 'CROP' } as const;
  const bothAt = (side: number): Preprocessing[] => [
    { name: 'squish', itemTransform: squish(scale), size: square(side) },
    { name: 'crop', itemTransform: crop, size: square(side) },
  ];
  const sweep = (architecture: string, preprocessings: readonly Preprocessing[]): SweepPlan => ({
    name: `recipe ${architecture}`,
    architectures: [architecture],
    preprocessings,
  });
  return [
    sweep(scale.convnext, [
      { name: 'crop', itemTransform: crop, size: square(scale.side) },
      { name: 'crop tall', itemTransform: crop, size: scale.tall },
    ]),
    sweep(scale.vit, bothAt(scale.side)),
    sweep(scale.swinv2, bothAt(scale.swinv2Side)),
    sweep(scale.swin, bothAt(scale.side)),
  ];
}

function squish({ itemSide }: Scale): Preprocessing['itemTransform'] {
  return { size: square(itemSide), method: 'SQUISH' };
}
