/** How much memory a config takes: a few optimiser steps and a validation batch, on one label. */

import type { TrainerEvent, TrainerJob } from '../domain/trainer.ts';
import { microBatchSize } from '../domain/trainingConfig.ts';
import { emit, openImages, openLearner, seedOf, type TrainerDependencies } from './attempt.ts';
import { fitData } from './data.ts';
import { runFit } from './loop.ts';
import { probeData } from './probeData.ts';
import { fitOneCycle } from './schedules.ts';

/**
 * Trains `steps` optimiser steps with everything unfrozen, which takes the most memory, on the images of `config.labels`,
 * repeated until they fill the micro-batches. Nothing is held back for validation.
 */
export async function* probe(
  job: TrainerJob,
  steps: number,
  deps: TrainerDependencies,
): AsyncGenerator<TrainerEvent, void> {
  const { config } = job;
  const data = probeData(job);
  const batchSize = microBatchSize(config);
  const train = data.samples(steps * config.effectiveBatchSize);
  const pipeline = await openImages(job, deps, data.images);
  try {
    const learner = await openLearner(job, deps.engine, data.classes);
    try {
      const masks = learner.model.masks;
      const valid = train.slice(0, batchSize);
      const options = { pipeline, train, valid, masks, batchSize, seed: seedOf(config), signal: deps.signal };
      const [fit] = fitOneCycle(1, config.baseLearningRate);
      let timed = 0;
      let startedAt: number | undefined;
      let endedAt = 0;
      // A step skipped for a loss scale that is too large would leave the optimiser's memory untouched.
      const stepping = { ...learner, begin: (frozen: boolean) => learner.begin(frozen, { initialLossScale: 1 }) };
      for await (const event of runFit(stepping, fit!, fitData(options, 0))) {
        if (event.kind === 'trained') {
          // the first micro-batch, which touches memory for the first time, is not timed
          if (startedAt === undefined) startedAt = deps.now();
          else timed += batchSize;
          endedAt = deps.now();
        }
        yield* emit([], deps.signal);
      }
      const { peak } = await deps.memory.sample();
      const seconds = (endedAt - (startedAt ?? endedAt)) / 1000;
      yield { kind: 'probed', peakMemory: peak, imagesPerSecond: seconds > 0 ? timed / seconds : 0 };
    } finally {
      await learner.dispose();
    }
  } finally {
    await pipeline.close();
  }
}
