/** The loaders: what fastai's DataLoader does with order, tails and labels, and the draws that go with every batch. */

import { describe, expect, it } from 'vitest';
import { comparePaths } from '../../src/datasets/importFolder.ts';
import { createRandom } from '../../src/domain/random.ts';
import { type DataOptions, drawMasks, fitData, passOver, type Sample } from '../../src/learner/data.ts';
import type { ImagePipeline } from '../../src/vision/pipeline.ts';
import { goldenJson } from '../models/goldenFiles.ts';
import { fakeImages } from './fakes.ts';

const golden = goldenJson('fastai/misc');
const { signal } = new AbortController();

const samplesOf = (count: number, first = 0): Sample[] =>
  Array.from({ length: count }, (_, i) => ({ index: first + i, label: (first + i) % 3 }));

async function loaders(trainCount: number, validCount: number, batchSize: number) {
  const images = fakeImages(() => 0);
  const pipeline: ImagePipeline = await images.open({
    images: Array.from({ length: trainCount + validCount }, (_, i) => ({ path: `${i}`, contentHash: `${i}` })),
    spec: {
      itemTransform: { size: { height: 1, width: 1 }, method: 'SQUISH' },
      size: { height: 1, width: 1 },
      minScale: 0.75,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    },
    threads: 1,
    cacheDirectory: '/nowhere',
    cacheLimitBytes: 0,
  });
  const options: DataOptions = {
    pipeline,
    train: samplesOf(trainCount),
    valid: samplesOf(validCount, trainCount),
    masks: [{ name: 'dropout', shape: [4], keep: 0.75 }],
    batchSize,
    seed: 5,
    signal,
  };
  return { images, options };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const item of items) result.push(item);
  return result;
}

describe('loaders follow fastai', () => {
  it('have as many batches: training drops the tail, validation keeps it', async () => {
    for (const { n, bs, batches_drop_last, valid_batches } of golden.train_loader) {
      const { options } = await loaders(0, 0, bs);
      const data = fitData({ ...options, train: samplesOf(n), valid: samplesOf(n) }, 0);
      expect([data.trainBatches, data.validBatches], `${n} by ${bs}`).toEqual([batches_drop_last, valid_batches]);
    }
  });

  it('give every training image at most once an epoch, in another order each epoch and fit, with its label', async () => {
    const { images, options } = await loaders(11, 0, 4);
    const orders: string[] = [];
    for (const fit of [0, 1]) {
      for (const epoch of [0, 1]) {
        images.requests.length = 0;
        const batches = await collect(fitData(options, fit).train(epoch, 0));
        expect(batches.map(({ labels }) => labels.length)).toEqual([4, 4]);
        const indices = images.requests.flatMap((request) => request.indices);
        expect(new Set(indices).size).toBe(8);
        expect(batches.flatMap(({ labels }) => [...labels])).toEqual(indices.map((index) => index % 3));
        expect(images.requests.every(({ mode }) => mode === 'train')).toBe(true);
        orders.push(indices.join());
      }
    }
    expect(new Set(orders).size).toBe(4);
    images.requests.length = 0;
    await collect(fitData(options, 0).train(0, 0));
    expect(images.requests.flatMap((request) => request.indices).join(), 'the same seed').toBe(orders[0]);
  });

  it('validate every image in order, never augmented, the last batch short', async () => {
    const { images, options } = await loaders(4, 10, 4);
    const batches = await collect(fitData(options, 0).valid());
    expect(batches.map(({ labels }) => labels.length)).toEqual([4, 4, 2]);
    expect(images.requests.flatMap(({ indices }) => indices)).toEqual(samplesOf(10, 4).map(({ index }) => index));
    expect(images.requests.every(({ mode }) => mode === 'valid')).toBe(true);
    expect(batches.flatMap(({ labels }) => [...labels])).toEqual(samplesOf(10, 4).map(({ label }) => label));
  });

  it('draw dropout anew for every sample, scaled by 1 / keep', async () => {
    const mask = drawMasks([{ name: 'm', shape: [50], keep: 0.75 }], 200, createRandom(1)).m!;
    expect(mask).toHaveLength(200 * 50);
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
    expect(mask.filter((value) => value > 0).length / mask.length).toBeCloseTo(0.75, 1);
    expect(mask.slice(0, 50)).not.toEqual(mask.slice(50, 100));
    const { options } = await loaders(8, 0, 4);
    const [first, second] = await collect(fitData(options, 0).train(0, 0));
    expect(first!.masks.dropout).not.toEqual(second!.masks.dropout);
  });
});

describe('a pass for predictions', () => {
  it('is in order and keeps the tail, in training transforms only when it is augmented', async () => {
    const { images, options } = await loaders(0, 5, 2);
    const indices = [3, 1, 4, 0, 2];
    await collect(passOver(options.pipeline, indices, 2, signal));
    await collect(passOver(options.pipeline, indices, 2, signal, (batch) => 100 + batch));
    expect(images.requests.map(({ indices, mode, seed }) => [[...indices], mode, seed])).toEqual([
      [[3, 1], 'valid', 0],
      [[4, 0], 'valid', 0],
      [[2], 'valid', 0],
      [[3, 1], 'train', 100],
      [[4, 0], 'train', 101],
      [[2], 'train', 102],
    ]);
  });
});

it('paths are sorted as Python sorts them', () => {
  expect([...golden.paths].sort(comparePaths)).toEqual(golden.paths_sorted);
});
