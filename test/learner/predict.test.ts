import { describe, expect, it } from 'vitest';
import type { Learner } from '../../src/learner/learner.ts';
import { softmaxRows } from '../../src/learner/metrics.ts';
import { predictBatches, predictImages } from '../../src/learner/predict.ts';
import type { BatchRequest, ImagePipeline } from '../../src/vision/pipeline.ts';

/** One value per image; augmentation moves it by what the seed gives. */
function pipelineOf(values: readonly number[], requests: BatchRequest[]): ImagePipeline {
  return {
    async *batches(wanted) {
      for (const request of wanted) {
        requests.push(request);
        const shift = request.mode === 'train' ? (request.seed % 1000) / 500 : 0;
        yield { indices: request.indices, images: Float32Array.from(request.indices, (i) => values[i]! + shift) };
      }
    },
    async close() {},
  };
}

/** Logits (0, value). */
const learner = {
  batchSize: 2,
  model: { classes: 2 },
  predict: async (images: Float32Array) => Float32Array.from([...images].flatMap((value) => [0, value])),
} as unknown as Learner;

async function predict(passes: number, beta: number, key = 'TEST', values = [-1, 0.5, 3]) {
  const requests: BatchRequest[] = [];
  const { signal } = new AbortController();
  const images = predictImages(learner, pipelineOf(values, requests), [2, 0, 1], {
    passes,
    beta,
    seed: 9,
    key,
    signal,
  });
  let batches = 0;
  let next = await images.next();
  for (; !next.done; next = await images.next()) batches++;
  return { probabilities: next.value, requests, batches };
}

describe('prediction', () => {
  it('without augmented passes is the softmax of one plain pass', async () => {
    const { probabilities, requests, batches } = await predict(0, 0.25);
    expect(probabilities).toEqual(softmaxRows(Float32Array.of(0, 3, 0, -1, 0, 0.5), 2));
    expect(requests.map(({ mode }) => mode)).toEqual(['valid', 'valid']);
    expect(batches).toBe(predictBatches(3, 2, 0));
  });

  it('of a network that gives NaN or infinity is the failure DIVERGED', async () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(predict(0, 0.25, 'VALID', [1, 2, value])).rejects.toMatchObject({
        code: 'DIVERGED',
        message: expect.stringContaining('lower baseLearningRate'),
      });
    }
  });

  it('averages probabilities, not logits, of the augmented passes and mixes in the plain one', async () => {
    const { probabilities, requests, batches } = await predict(4, 0.25);
    expect(batches).toBe(predictBatches(3, 2, 4));
    expect(requests.map(({ mode }) => mode)).toEqual([...Array(8).fill('train'), 'valid', 'valid']);
    const row = [3, -1, 0.5].map((value, i) => {
      const seeds = [0, 1, 2, 3].map((pass) => requests[pass * 2 + (i < 2 ? 0 : 1)]!.seed);
      const passes = seeds.map((seed) => 1 / (1 + Math.exp(-(value + (seed % 1000) / 500))));
      return 0.75 * (passes.reduce((a, b) => a + b) / 4) + 0.25 / (1 + Math.exp(-value));
    });
    row.forEach((expected, i) => {
      expect(probabilities[2 * i + 1]!).toBeCloseTo(expected, 5);
      expect(probabilities[2 * i]! + probabilities[2 * i + 1]!).toBeCloseTo(1, 5);
    });
  });

  it('draws every augmented batch anew, for each set of images its own', async () => {
    const seeds = async (key: string) =>
      (await predict(4, 0.25, key)).requests.filter(({ mode }) => mode === 'train').map(({ seed }) => seed);
    const all = [...(await seeds('TEST')), ...(await seeds('HOLDOUT'))];
    expect(new Set(all).size).toBe(16);
    expect(await seeds('TEST')).toEqual(all.slice(0, 8));
  });
});
