/** What every task of a trainer starts from. */

import { setImmediate } from 'node:timers/promises';
import { type Architecture, findArchitecture } from '../domain/architecture.ts';
import type { TrainerEvent, TrainerImage, TrainerJob } from '../domain/trainer.ts';
import { microBatchSize, type TrainingConfig } from '../domain/trainingConfig.ts';
import type { Engine } from '../engine/engine.ts';
import { refuse } from '../errors.ts';
import type { Model } from '../models/model.ts';
import { createModel } from '../models/registry.ts';
import { type InitialWeights, initialWeights } from '../models/weights.ts';
import type { ImagePipeline, openImagePipeline } from '../vision/pipeline.ts';
import { createLearner, type Learner } from './learner.ts';
import type { MemorySampler } from './memory.ts';

export interface TrainerDependencies {
  readonly engine: Engine;
  readonly openImages: typeof openImagePipeline;
  readonly memory: MemorySampler;
  /** Milliseconds. */
  readonly now: () => number;
  /** Looked at after every micro-batch. */
  readonly signal: AbortSignal;
  /** Asks a training to write a checkpoint and end. */
  readonly drain: AbortSignal;
}

/** The seed that was drawn for the run. */
export function seedOf({ seed }: TrainingConfig): number {
  if (seed === null) throw new Error('the config of a job must have its seed drawn');
  return seed;
}

export function architectureOf({ architecture: name }: TrainingConfig): Architecture {
  const architecture = findArchitecture(name);
  if (!architecture) {
    throw refuse('INVALID', `unknown architecture ${JSON.stringify(name)}`, ['config', 'architecture']);
  }
  return architecture;
}

/** Opens `images` as the config wants them seen; indices of batches count in this list. */
export function openImages(
  { config, resources }: TrainerJob,
  { openImages }: TrainerDependencies,
  images: readonly TrainerImage[],
): Promise<ImagePipeline> {
  const { mean, std } = architectureOf(config);
  const { itemTransform, size, minScale } = config;
  return openImages({
    images: images.map(({ path, contentHash }) => ({ path, contentHash })),
    spec: { itemTransform, size, minScale, mean, std },
    threads: resources.loaderThreads,
    cacheDirectory: resources.cacheDirectory,
    cacheLimitBytes: resources.cacheLimitBytes,
  });
}

/**
 * The config's network for `classes` classes and its starting weights.
 * @param note gets a line about what was read from a pretrained file
 */
export async function startingModel(
  { config, weights: file }: Pick<TrainerJob, 'config' | 'weights'>,
  classes: number,
  note: (line: string) => void = () => {},
): Promise<{ readonly model: Model; readonly weights: InitialWeights }> {
  const architecture = architectureOf(config);
  const model = createModel(architecture, config.size, classes);
  const weights = await initialWeights(model, architecture, config.size, file?.path ?? null, seedOf(config), note);
  return { model, weights };
}

/** The same, ready to train. */
export async function openLearner(
  job: Pick<TrainerJob, 'config' | 'weights'>,
  engine: Engine,
  classes: number,
  note?: (line: string) => void,
): Promise<Learner> {
  const { config } = job;
  const { model, weights } = await startingModel(job, classes, note);
  return createLearner({
    engine,
    model,
    weights,
    batchSize: microBatchSize(config),
    effectiveBatchSize: config.effectiveBatchSize,
    weightDecay: config.weightDecay,
  });
}

/** Passes events on, then lets messages in (a cancellation among them) and stops when there was one. */
export async function* emit(events: readonly TrainerEvent[], signal: AbortSignal): AsyncGenerator<TrainerEvent, void> {
  yield* events;
  await setImmediate();
  signal.throwIfAborted();
}
