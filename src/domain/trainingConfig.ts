/** The recipe of one run: every field of `TrainingConfigInput`, its defaults and its rules. */

import { z } from 'zod';
import type { UserProblem } from '../errors.ts';
import { findArchitecture } from './architecture.ts';
import { sizeProblem } from './inputSize.ts';
import { sizeSchema } from './size.ts';
import { parseWeightsUri, showUri } from './weightsUri.ts';

export type { Size } from './size.ts';

const predictSchema = z.strictObject({
  test: z.boolean().default(true),
  valid: z.boolean().default(true),
  holdout: z.boolean().default(true),
  /** Augmented passes of test-time augmentation; 0 predicts plainly. */
  ttaPasses: z.int().min(0).max(64).default(4),
  /** Weight of the plain pass: (1 - beta) * augmented mean + beta * plain. */
  ttaBeta: z.number().min(0).max(1).default(0.25),
});

const checkpointsSchema = z.strictObject({
  /** Besides those at the end of every epoch; 0: none besides. */
  everyMinutes: z.number().min(0).max(10_080).default(10),
  /** Newest ones, from which an interrupted training goes on; 0: none is written at all. They go when the run has SUCCEEDED. */
  keepLast: z.int().min(0).max(100).default(2),
  /** Whether the epoch with the lowest error rate keeps its own for good. */
  keepBest: z.boolean().default(false),
  /** Every so many epochs one is kept for good; null: none. */
  keepEvery: z.int().min(1).max(100_000).nullable().default(null),
});

/** Bytes: no trainer gets as far as its first batch in less. */
export const leastMemoryBudget = 64 * 2 ** 20;

const configSchema = z.strictObject({
  architecture: z.string().min(1),
  pretrained: z.boolean().default(true),
  weightsUri: z.string().min(1).max(2000, 'must have at most 2000 characters').nullable().default(null),
  itemTransform: z.strictObject({ size: sizeSchema, method: z.enum(['CROP', 'SQUISH', 'PAD']).default('CROP') }),
  /** Target of the batch transforms: what the network sees. */
  size: sizeSchema,
  /** Smallest share of the area that random resized crop keeps. */
  minScale: z.number().gt(0).max(1).default(0.75),
  effectiveBatchSize: z.int().min(2).max(65536).default(64),
  /** Micro-batch = effectiveBatchSize / accumulation. */
  accumulation: z.int().min(1).default(1),
  autoAccumulation: z.boolean().default(false),
  /** Bytes of resident memory at which a trainer on a CPU is ended; null: the worker's own limit. */
  memoryBudget: z.int().min(leastMemoryBudget).nullable().default(null),
  /** Seconds that all attempts of the run may take together; null: no limit. */
  maxSeconds: z.number().gt(0).nullable().default(null),
  /** What becomes of the run when image files cannot be read. */
  unreadableImages: z.enum(['FAIL', 'SKIP']).default('FAIL'),
  schedule: z.enum(['FINE_TUNE', 'FIT_ONE_CYCLE']).default('FINE_TUNE'),
  epochs: z.int().min(1).max(100_000).default(12),
  freezeEpochs: z.int().min(0).max(100_000).default(1),
  baseLearningRate: z.number().gt(0).max(100).default(0.01),
  weightDecay: z.number().min(0).max(1).default(0.01),
  precision: z.enum(['AUTO', 'FP32', 'FP16', 'BF16']).default('AUTO'),
  validFraction: z.number().gt(0).lt(1).default(0.2),
  seed: z.int().min(0).max(2147483647).nullable().default(null),
  /** Decides which images validate, and nothing else; null: the seed does. */
  splitSeed: z.int().min(0).max(2147483647).nullable().default(null),
  /** Train on these labels only; null: all. */
  labels: z.array(z.string()).min(1).nullable().default(null),
  predict: predictSchema.prefault({}),
  checkpoints: checkpointsSchema.prefault({}),
});

/** A complete config. `seed` is null only before it is drawn. `architecture` is the catalogue's name, never an alias. */
export type TrainingConfig = z.infer<typeof configSchema>;
export type ItemTransform = TrainingConfig['itemTransform'];
export type CheckpointPolicy = TrainingConfig['checkpoints'];

export type ParsedConfig =
  | { readonly config: TrainingConfig; readonly problems?: undefined }
  | { readonly config?: undefined; readonly problems: readonly UserProblem[] };

/** Fills defaults and checks every rule; reports all problems together, each with the path of its field below `at`. */
export function parseTrainingConfig(input: unknown, at: readonly string[] = []): ParsedConfig {
  const values = withoutNullDefaults(input);
  const parsed = configSchema.safeParse(values, { error: describeIssue });
  const issues = parsed.error?.issues ?? [];
  const problems: UserProblem[] = [
    ...issues.map(({ message, path }) => ({ message, path: path.map(String) })),
    ...ruleProblems(validFields(values)),
  ].map(({ message, path }) => ({ code: 'INVALID', message, path: [...at, ...path] }));
  if (!parsed.success || problems.length) return { problems };
  return { config: { ...parsed.data, architecture: findArchitecture(parsed.data.architecture)!.name } };
}

/** A config as it was stored, with the defaults of fields that are younger than it, and a memoryBudget that is older than its bound. */
export function completeConfig(stored: unknown): TrainingConfig {
  const { memoryBudget = null, ...others } = stored as Partial<TrainingConfig>;
  const { config, problems } = parseTrainingConfig(others);
  if (!config) throw new Error(`a stored config is not valid: ${problems.map(({ message }) => message).join('; ')}`);
  return { ...config, memoryBudget };
}

/** The fields that are right by themselves, defaults filled in. */
function validFields(values: unknown): Partial<TrainingConfig> {
  const given = Object(values) as Readonly<Record<string, unknown>>;
  const fields = Object.entries(configSchema.shape).map(([key, schema]) => [key, schema.safeParse(given[key]).data]);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}

/** What is wrong with fields that zod takes: rules of the catalogue, and of fields that must fit each other. */
function ruleProblems(
  config: Partial<TrainingConfig>,
): { readonly path: readonly string[]; readonly message: string }[] {
  const problems: { path: string[]; message: string }[] = [];
  const report = (path: string, message: string) => problems.push({ path: [path], message });
  const { architecture: name, size, weightsUri, accumulation, effectiveBatchSize: batch } = config;

  const architecture = name === undefined ? undefined : findArchitecture(name);
  if (name !== undefined && !architecture) {
    report(
      'architecture',
      `unknown architecture ${JSON.stringify(name)}; the query "architectures" lists those there are`,
    );
  }
  const misfit = architecture && size && sizeProblem(architecture, size);
  if (misfit) report('size', misfit);
  if (typeof weightsUri === 'string') {
    const { problem } = parseWeightsUri(weightsUri);
    if (problem) report('weightsUri', `${showUri(weightsUri)} ${problem}`);
  }
  const { checkpoints } = config;
  if (checkpoints?.keepLast === 0 && (checkpoints.keepBest || checkpoints.keepEvery !== null)) {
    report('checkpoints', 'keepLast 0 writes no checkpoint at all: set it to 1 or more for keepBest or keepEvery');
  }
  if (accumulation === undefined || batch === undefined) return problems;
  if (accumulation > batch) {
    report('accumulation', `must not exceed effectiveBatchSize (${batch}), got ${accumulation}`);
  } else if (batch % accumulation !== 0) {
    report('accumulation', `must divide effectiveBatchSize (${batch}) without remainder, got ${accumulation}`);
  } else if (batch / accumulation < 2) {
    report(
      'accumulation',
      `leaves a micro-batch of 1, but the head's batch normalisation needs at least 2; use ${Math.floor(batch / 2)} or less`,
    );
  }
  return problems;
}

/** Bounds in words, with what was given; undefined for zod's own words. */
function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'too_small' && issue.code !== 'too_big') return undefined;
  if (issue.origin !== 'number' && issue.origin !== 'int') return 'must not be empty';
  const bound =
    issue.code === 'too_small'
      ? `${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`
      : `${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
  return `must be ${bound}, got ${String(issue.input)}`;
}

/** Samples per forward and backward pass. */
export function microBatchSize(config: Pick<TrainingConfig, 'effectiveBatchSize' | 'accumulation'>): number {
  return config.effectiveBatchSize / config.accumulation;
}

/** How many of `count` labelled images validate; the others train (fastai's RandomSplitter). */
export function validCount(count: number, validFraction: number): number {
  return Math.trunc(validFraction * count);
}

/**
 * Why `trainCount` images are too few for the config's batches, or null. The last incomplete micro-batch of an epoch is dropped, so
 * there must be a whole one, and over all epochs enough of them for one optimiser step.
 */
export function batchProblem(trainCount: number, config: TrainingConfig): string | null {
  const { effectiveBatchSize, accumulation, epochs } = config;
  const micro = microBatchSize(config);
  const perEpoch = Math.floor(trainCount / micro) * micro;
  if (perEpoch === 0) {
    return `a micro-batch is ${micro} images (effectiveBatchSize ${effectiveBatchSize} / accumulation ${accumulation}), but only ${trainCount} are left to train on; lower effectiveBatchSize or raise accumulation`;
  }
  if (perEpoch * epochs < effectiveBatchSize) {
    return `${epochs} ${epochs === 1 ? 'epoch' : 'epochs'} of ${perEpoch} images never add up to one optimiser step of ${effectiveBatchSize}; lower effectiveBatchSize or train longer`;
  }
  return null;
}

/** The config with twice the accumulation; null when its micro-batches would not be whole or would have one image only. */
export function doubledAccumulation(config: TrainingConfig): TrainingConfig | null {
  const accumulation = 2 * config.accumulation;
  const micro = config.effectiveBatchSize / accumulation;
  return Number.isInteger(micro) && micro >= 2 ? { ...config, accumulation } : null;
}

/** GraphQL clients may send null for "the default": drop such fields, at any depth. */
function withoutNullDefaults(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, v]) => (v === null || v === undefined ? [] : [[key, withoutNullDefaults(v)]])),
  );
}
