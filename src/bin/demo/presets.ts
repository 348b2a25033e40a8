import type { ResizeMethod, Schedule } from '../../generated/graphql.ts';

interface Size {
  readonly height: number;
  readonly width: number;
}

export interface Preset {
  readonly name: string;
  readonly architectures: readonly string[];
  readonly preprocessings: readonly {
    readonly name: string;
    readonly itemTransform: { readonly size: Size; readonly method: ResizeMethod };
    /** What the network sees. */
    readonly size: Size;
  }[];
  readonly epochs: number;
  /** The rest of the sweep's config. */
  readonly config: {
    readonly pretrained: boolean;
    readonly schedule: Schedule;
    readonly baseLearningRate: number;
    readonly effectiveBatchSize: number;
    readonly accumulation: number;
    /** One split for all runs, so that they are comparable and can be averaged where labels are. */
    readonly seed: number;
    readonly predict: { readonly ttaPasses: number };
  };
  /** What the memory probe asks: with which accumulation does this stay below the budget? */
  readonly probe: {
    readonly architecture: string;
    readonly size: Size;
    readonly effectiveBatchSize: number;
    readonly budgetMebibytes: number;
  };
}

const square = (side: number): Size => ({ height: side, width: side });

export const presets: Readonly<Record<string, Preset>> = {
  /** From random weights to useful predictions in minutes on a CPU. */
  quick: {
    name: 'quick',
    architectures: ['convnext_atto', 'vit_tiny_patch16_224'],
    preprocessings: [
      { name: 'squish', itemTransform: { size: square(96), method: 'SQUISH' }, size: square(64) },
      {
        name: 'crop',
        itemTransform: { size: { height: 128, width: 96 }, method: 'CROP' },
        size: { height: 80, width: 64 },
      },
    ],
    epochs: 24,
    config: {
      pretrained: false,
      schedule: 'FIT_ONE_CYCLE',
      baseLearningRate: 0.0015,
      effectiveBatchSize: 32,
      accumulation: 2,
      seed: 42,
      predict: { ttaPasses: 4 },
    },
    probe: { architecture: 'convnext_tiny_in22k', size: square(128), effectiveBatchSize: 16, budgetMebibytes: 1400 },
  },
  /** The competition recipe's image sizes, batch, schedule and test-time augmentation, on the small members of its families. */
  recipe: {
    name: 'recipe',
    architectures: ['convnext_tiny_in22k', 'vit_small_patch16_224'],
    preprocessings: [
      { name: 'squish', itemTransform: { size: square(480), method: 'SQUISH' }, size: square(224) },
      { name: 'crop', itemTransform: { size: { height: 640, width: 480 }, method: 'CROP' }, size: square(224) },
    ],
    epochs: 12,
    config: {
      pretrained: false,
      schedule: 'FINE_TUNE',
      baseLearningRate: 0.01,
      effectiveBatchSize: 64,
      accumulation: 2,
      seed: 42,
      predict: { ttaPasses: 4 },
    },
    probe: { architecture: 'convnext_small_in22k', size: square(128), effectiveBatchSize: 64, budgetMebibytes: 4096 },
  },
};
