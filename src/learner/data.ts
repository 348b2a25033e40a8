/** From image batches to what the learner takes: order, labels, dropout masks, every draw keyed by the run's seed. */

import { createRandom, permutation, type Random } from '../domain/random.ts';
import { sizeOf } from '../domain/shape.ts';
import type { MaskSpec } from '../models/parameters.ts';
import type { BatchRequest, ImageBatch, ImagePipeline } from '../vision/pipeline.ts';
import { ImageUnreadableError } from '../vision/rgbImage.ts';
import { TrainingFailure } from './failure.ts';
import type { TrainBatch } from './learner.ts';
import type { FitData, ValidBatch } from './loop.ts';

/** An image of the pipeline with its class. */
export interface Sample {
  /** Into the pipeline's images. */
  readonly index: number;
  /** Into the vocabulary. */
  readonly label: number;
}

export interface DataOptions {
  readonly pipeline: ImagePipeline;
  readonly train: readonly Sample[];
  readonly valid: readonly Sample[];
  readonly masks: readonly MaskSpec[];
  readonly batchSize: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** The batches of fit number `fit`: training reshuffled every epoch, its incomplete last batch dropped; validation in order. */
export function fitData(options: DataOptions, fit: number): FitData {
  const { pipeline, train, valid, masks, batchSize, seed, signal } = options;
  const trainBatches = Math.floor(train.length / batchSize);
  return {
    trainBatches,
    validBatches: Math.ceil(valid.length / batchSize),
    async *train(epoch, first): AsyncGenerator<TrainBatch> {
      const order = permutation(train.length, createRandom(seed, 'order', fit, epoch)).map((i) => train[i]!);
      const batches = chunks(order, batchSize).slice(0, trainBatches);
      const requests = batches.map(
        (samples, i): BatchRequest => ({
          indices: samples.map((sample) => sample.index),
          mode: 'train',
          seed: drawSeed(seed, 'augment', fit, epoch, i),
        }),
      );
      let i = first;
      for await (const { images } of readable(pipeline, requests.slice(first), signal)) {
        const random = createRandom(seed, 'masks', fit, epoch, i);
        yield { inputs: images, labels: labelsOf(batches[i]!), masks: drawMasks(masks, batchSize, random) };
        i++;
      }
    },
    async *valid(): AsyncGenerator<ValidBatch> {
      const batches = chunks(valid, batchSize);
      const indices = valid.map((sample) => sample.index);
      let i = 0;
      for await (const { images } of passOver(pipeline, indices, batchSize, signal)) {
        yield { inputs: images, labels: labelsOf(batches[i]!) };
        i++;
      }
    },
  };
}

/** One pass over images in their order: augmented when `augmentSeed` is given, else as validation does. */
export function passOver(
  pipeline: ImagePipeline,
  indices: readonly number[],
  batchSize: number,
  signal: AbortSignal,
  augmentSeed?: (batch: number) => number,
): AsyncIterable<ImageBatch> {
  const requests = chunks(indices, batchSize).map(
    (batch, i): BatchRequest =>
      augmentSeed
        ? { indices: batch, mode: 'train', seed: augmentSeed(i) }
        : { indices: batch, mode: 'valid', seed: 0 },
  );
  return readable(pipeline, requests, signal);
}

/** A 31-bit seed of its own for every set of keys. */
export function drawSeed(seed: number, ...keys: (string | number)[]): number {
  return createRandom(seed, ...keys).integer(2 ** 31);
}

export function drawMasks(specs: readonly MaskSpec[], batchSize: number, random: Random): Record<string, Float32Array> {
  return Object.fromEntries(
    specs.map(({ name, shape, keep }) => {
      const mask = new Float32Array(batchSize * sizeOf(shape));
      for (let i = 0; i < mask.length; i++) mask[i] = random.next() < keep ? 1 / keep : 0;
      return [name, mask];
    }),
  );
}

/** The pipeline's batches, its complaint about a file turned into the run's failure. */
async function* readable(
  pipeline: ImagePipeline,
  requests: readonly BatchRequest[],
  signal: AbortSignal,
): AsyncGenerator<ImageBatch> {
  try {
    yield* pipeline.batches(requests, signal);
  } catch (error) {
    if (error instanceof ImageUnreadableError) {
      throw new TrainingFailure('DATA_UNREADABLE', `cannot read image ${error.path}: ${error.reason}`);
    }
    throw error;
  }
}

function labelsOf(samples: readonly Sample[]): Int32Array {
  return Int32Array.from(samples, (sample) => sample.label);
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
