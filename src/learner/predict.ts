/** Class probabilities of a set of images, plain or with test-time augmentation. */

import type { ImagePipeline } from '../vision/pipeline.ts';
import { drawSeed, passOver } from './data.ts';
import { TrainingFailure } from './failure.ts';
import { softmaxRows } from './metrics.ts';
import type { Predictor } from './predictor.ts';
import { combinePasses } from './tta.ts';

export interface PredictOptions {
  /** Augmented passes besides the plain one. */
  readonly passes: number;
  /** Weight of the plain pass. */
  readonly beta: number;
  readonly seed: number;
  /** Names the set among others of the run, so that its draws are its own. */
  readonly key: string;
  readonly signal: AbortSignal;
}

/** Batches of all passes together. */
export function predictBatches(images: number, batchSize: number, passes: number): number {
  return Math.ceil(images / batchSize) * (passes + 1);
}

const diverged =
  'the trained network gives numbers that are not finite: its weights or what they compute overflow; lower baseLearningRate, or take precision FP32 if it was FP16';

/**
 * Yields the number of images after every batch; returns probabilities [indices.length, classes], rows in the order of
 * `indices` (into the pipeline's images).
 * @throws TrainingFailure DIVERGED when the network gives NaN or infinity, which nothing could be made of
 */
export async function* predictImages(
  predictor: Predictor,
  pipeline: ImagePipeline,
  indices: readonly number[],
  { passes, beta, seed, key, signal }: PredictOptions,
): AsyncGenerator<number, Float32Array> {
  const { classes } = predictor.model;
  const results: Float32Array[] = [];
  for (let pass = 0; pass <= passes; pass++) {
    const augmentSeed = pass < passes ? (batch: number) => drawSeed(seed, 'tta', key, pass, batch) : undefined;
    const probabilities = new Float32Array(indices.length * classes);
    let row = 0;
    for await (const batch of passOver(pipeline, indices, predictor.batchSize, signal, augmentSeed)) {
      const logits = await predictor.predict(batch.images);
      if (!logits.every(Number.isFinite)) throw new TrainingFailure('DIVERGED', diverged);
      probabilities.set(softmaxRows(logits, classes), row * classes);
      row += batch.indices.length;
      yield batch.indices.length;
    }
    results.push(probabilities);
  }
  const plain = results.pop()!;
  return combinePasses(plain, results, beta);
}
