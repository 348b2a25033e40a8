/** What the demo does, as data: probes, then sweeps in one experiment, then an ensemble of all their runs. */

import type { Precision, ProbeTargetInput, ResizeMethod, Schedule } from '../../generated/graphql.ts';

export interface Size {
  readonly height: number;
  readonly width: number;
}

export interface Preset {
  readonly name: string;
  readonly probes: readonly ProbePlan[];
  readonly sweeps: readonly SweepPlan[];
  /** The rest of the config, the same for all sweeps. */
  readonly config: SharedConfig;
  /** Started again on the same home, it goes on with its data set, its experiment and what was trained; otherwise it makes new ones. */
  readonly continues: boolean;
}

/** Asks: with which accumulation does each of these stay below the budget? */
export interface ProbePlan {
  readonly targets: readonly (ProbeTargetInput & { readonly size: Size })[];
  readonly effectiveBatchSize: number;
  readonly budgetMebibytes: number;
}

export interface SweepPlan {
  readonly name: string;
  readonly architectures: readonly string[];
  readonly preprocessings: readonly Preprocessing[];
}

export interface Preprocessing {
  readonly name: string;
  readonly itemTransform: { readonly size: Size; readonly method: ResizeMethod };
  /** What the network sees. */
  readonly size: Size;
}

export interface SharedConfig {
  readonly pretrained: boolean;
  readonly schedule: Schedule;
  readonly epochs: number;
  readonly freezeEpochs?: number;
  readonly baseLearningRate: number;
  readonly effectiveBatchSize: number;
  readonly accumulation: number;
  /** Default: AUTO. */
  readonly precision?: Precision;
  readonly seed: number;
  /** One split for all runs, so that they are comparable and can be averaged where labels are; without it the seed makes it. */
  readonly splitSeed?: number;
  readonly predict: { readonly ttaPasses: number; readonly ttaBeta?: number };
}

export function square(side: number): Size {
  return { height: side, width: side };
}

/** Every run once, and the runs of one family by predicate a second time: no positions in a list to get wrong. */
export const ensembleMembers = [{ filter: 'status = SUCCEEDED' }, { filter: 'arch like vit*', weight: 2 }];

/** From random weights to useful predictions in minutes on a CPU. */
export const quick: Preset = {
  name: 'quick',
  probes: [
    {
      targets: [{ architecture: 'convnext_tiny_in22k', size: square(128) }],
      effectiveBatchSize: 16,
      budgetMebibytes: 1400,
    },
  ],
  sweeps: [
    {
      name: 'quick sweep',
      architectures: ['convnext_atto', 'vit_tiny_patch16_224'],
      preprocessings: [
        { name: 'squish', itemTransform: { size: square(96), method: 'SQUISH' }, size: square(64) },
        {
          name: 'crop',
          itemTransform: { size: { height: 128, width: 96 }, method: 'CROP' },
          size: { height: 80, width: 64 },
        },
      ],
    },
  ],
  config: {
    pretrained: false,
    schedule: 'FIT_ONE_CYCLE',
    epochs: 24,
    baseLearningRate: 0.0015,
    effectiveBatchSize: 32,
    accumulation: 2,
    seed: 42,
    predict: { ttaPasses: 4 },
  },
  continues: false,
};
