/** Training in FP16 and BF16: what is learned, and what the loss scale does to steps. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agrees } from '../../src/domain/memoryProbe.ts';
import type { Precision } from '../../src/domain/precision.ts';
import { createRandom } from '../../src/domain/random.ts';
import { sizeOf } from '../../src/domain/shape.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openOnnxRuntime } from '../../src/engine/onnxruntime/engine.ts';
import { gradientOf } from '../../src/learner/adam.ts';
import { measureEquivalence } from '../../src/learner/equivalence.ts';
import { createLearner, type FitSteps, type Learner, type TrainBatch } from '../../src/learner/learner.ts';
import { type FitEvent, runFit } from '../../src/learner/loop.ts';
import { fitOneCycle } from '../../src/learner/schedules.ts';
import { convnext } from '../../src/models/convnext.ts';
import { classifier, type Model } from '../../src/models/model.ts';
import { initialValues } from '../../src/models/parameters.ts';
import { swinv2 } from '../../src/models/swinv2.ts';
import { vit } from '../../src/models/vit.ts';
import type { InitialWeights } from '../../src/models/weights.ts';
import { maxDifference } from '../models/goldenFiles.ts';
import { softmaxRegression } from './softmaxRegression.ts';

const engines = {} as Record<Precision, Engine>;
beforeAll(async () => {
  for (const precision of ['FP32', 'FP16', 'BF16'] as const)
    engines[precision] = await openOnnxRuntime({ computeThreads: 2, precision });
});
afterAll(async () => {
  for (const engine of Object.values(engines)) await engine.dispose();
});

const size = { height: 32, width: 32 };
const windows = { depths: [2, 2], dim: 16, heads: [2, 4], window: 4, patch: 4, dropPath: 0 };
const models: readonly [string, Model][] = [
  ['ConvNeXt', classifier(convnext({ depths: [1, 1, 2, 1], dims: [8, 16, 24, 32], convMlp: false }), size, 3)],
  ['ViT', classifier(vit({ depth: 2, dim: 24, heads: 3, patch: 8, size }), size, 3)],
  ['SwinV2', classifier(swinv2({ ...windows, pretrainedWindows: [0, 0], size }), size, 3)],
];

const weightsOf = (model: Model): InitialWeights =>
  new Map([
    ...model.parameters.map((p): [string, Float32Array] => [p.name, initialValues(p, 1)]),
    ...model.buffers.map((b): [string, Float32Array] => [b.name, new Float32Array(sizeOf(b.shape)).fill(b.value)]),
  ]);

/** Six noisy images of three colours, nothing dropped. */
function batchOf(model: Model): TrainBatch {
  const random = createRandom(5);
  const labels = Int32Array.from({ length: 6 }, (_, i) => i % 3);
  const length = sizeOf(model.inputShape);
  const inputs = Float32Array.from(
    { length: 6 * length },
    (_, i) => labels[Math.floor(i / length)]! - 1 + random.next(),
  );
  const masks = model.masks.map(({ name, shape }) => [name, new Float32Array(6 * sizeOf(shape)).fill(1)]);
  return { inputs, labels, masks: Object.fromEntries(masks) };
}

const rates = { learningRates: [2e-4, 2e-4], momentum: 0.9 };

describe.each(models)('%s', (_, model) => {
  /** Losses of twelve steps, and the logits after them. */
  async function trained(precision: Precision) {
    const learner = await createLearner({
      ...{ engine: engines[precision], model, weights: weightsOf(model) },
      ...{ batchSize: 6, effectiveBatchSize: 6, weightDecay: 0.01 },
    });
    // A scale at which nothing overflows, so that all precisions take the same steps.
    const fit = await learner.begin(false, { initialLossScale: 64 });
    const losses: number[] = [];
    for (let step = 0; step < 12; step++) {
      losses.push(await fit.accumulate(batchOf(model)));
      expect(await fit.update(rates)).toBe(true);
    }
    const logits = await learner.predict(batchOf(model).inputs);
    await fit.dispose();
    await learner.dispose();
    return { losses, logits: [...logits] };
  }

  it('learns in FP16 and BF16 what it learns in FP32, but for rounding', async () => {
    const exact = await trained('FP32');
    const [before, after] = [exact.losses[0]!, exact.losses.at(-1)!];
    expect(after).toBeLessThan(0.3 * before);
    for (const [precision, rounding] of [
      ['FP16', 0.003],
      ['BF16', 0.02],
    ] as const) {
      const { losses, logits } = await trained(precision);
      expect(Math.abs(losses[0]! - before), precision).toBeLessThan(rounding * before);
      expect(Math.abs(losses.at(-1)! - after), precision).toBeLessThan(0.05 * before);
      expect(maxDifference(logits, exact.logits), precision).toBeGreaterThan(1e-4);
    }
  });

  it('gives the same bits again', async () => {
    expect(await trained('FP16')).toEqual(await trained('FP16'));
    expect(await trained('BF16')).toEqual(await trained('BF16'));
  });

  it.each(['FP16', 'BF16'] as const)('%s: accumulation gives the gradient of one micro-batch', async (precision) => {
    const { inputs, labels } = batchOf(model);
    const options = { engine: engines[precision], model, weights: weightsOf(model), inputs, labels };
    const found = await measureEquivalence({ ...options, accumulation: 3 });
    expect(found.precision).toBe(precision);
    expect(found.gradientCosine).toBeGreaterThan(0.999);
    expect(agrees(found)).toBe(true);
    const exact = await measureEquivalence({ ...options, engine: engines.FP32, accumulation: 3 });
    expect(found.gradientDifference).toBeGreaterThan(exact.gradientDifference);
    expect(Math.abs(found.gradientMax / exact.gradientMax - 1)).toBeLessThan(0.05);
  });
});

describe('the loss scale', () => {
  const model = softmaxRegression(2, 2);
  const weights: InitialWeights = new Map([
    ['weight', Float32Array.of(0.1, -0.2, 0.3, 0.4)],
    ['bias', Float32Array.of(0, 0)],
  ]);
  const learnerOf = (precision: Precision, effectiveBatchSize = 2): Promise<Learner> =>
    createLearner({
      ...{ engine: engines[precision], model, weights },
      ...{ batchSize: 2, effectiveBatchSize, weightDecay: 0 },
    });
  const batch = (scale: number): TrainBatch => ({
    inputs: Float32Array.of(1, 2, 3, 4).map((x) => x * scale),
    labels: Int32Array.of(0, 1),
    masks: {},
  });
  const valuesOf = async (learner: Learner) => [...(await learner.read('weight')), ...(await learner.read('bias'))];
  /** Gradients of about 4 (that is 262144 scaled) pass fp16's 65504 up to a scale of 16384. */
  const overflowing = batch(4);

  async function step(fit: FitSteps, data: TrainBatch): Promise<boolean> {
    await fit.accumulate(data);
    return fit.update(rates);
  }

  it('is halved by gradients that overflow, whose step is skipped and leaves nothing behind', async () => {
    const learner = await learnerOf('FP16');
    const fit = await learner.begin(false);
    const start = await valuesOf(learner);
    const scales: (number | null)[] = [fit.lossScale];
    let skipped = 0;
    for (; !(await step(fit, overflowing)); skipped++) {
      expect(await valuesOf(learner)).toEqual(start);
      for (const entry of [gradientOf('weight'), gradientOf('bias'), 'mean/weight', 'square/weight'])
        expect(
          (await learner.read(entry)).every((value) => value === 0),
          entry,
        ).toBe(true);
      scales.push(fit.lossScale);
    }
    expect(skipped).toBeGreaterThan(0);
    expect(scales).toEqual(Array.from({ length: skipped + 1 }, (_, i) => 65536 / 2 ** i));
    expect(fit.lossScale).toBe(scales.at(-1));

    // The steps that were skipped count for nothing: the optimiser is as after its first.
    const other = await learnerOf('FP16');
    const otherFit = await other.begin(false, { initialLossScale: fit.lossScale! });
    expect(await step(otherFit, overflowing)).toBe(true);
    expect(await valuesOf(learner)).not.toEqual(start);
    expect(await valuesOf(other)).toEqual(await valuesOf(learner));
    for (const [one, its] of [
      [fit, learner],
      [otherFit, other],
    ] as const) {
      expect(await step(one, overflowing)).toBe(true);
      await one.dispose();
      expect(await valuesOf(its)).toEqual(await valuesOf(learner));
    }
    await learner.dispose();
    await other.dispose();
  });

  it('saves gradients that would vanish, and is taken out of the step again', async () => {
    // 8192 for small slopes, images that are small too: products of about 2^-26, half of the least that fp16 has.
    const gradientAt = async (precision: Precision, scale: number) => {
      const learner = await learnerOf(precision, 8192);
      const fit = await learner.begin(false, { initialLossScale: scale });
      await fit.accumulate(batch(2 ** -13));
      const gradient = (await learner.read(gradientOf('weight'))).map((value) => value / scale);
      await fit.update(rates);
      const weight = [...(await learner.read('weight'))];
      await fit.dispose();
      await learner.dispose();
      return { gradient, weight };
    };
    expect([...(await gradientAt('FP16', 1)).gradient]).toEqual([0, 0, 0, 0]);
    const exact = await gradientAt('FP32', 1);
    const scaled = await gradientAt('FP16', 65536);
    const largest = Math.max(...exact.gradient.map(Math.abs));
    expect(largest).toBeGreaterThan(0);
    expect(maxDifference(scaled.gradient, exact.gradient)).toBeLessThan(0.01 * largest);
    // Had the optimiser seen them scaled, it would have moved as far as its rate.
    expect(maxDifference(scaled.weight, exact.weight)).toBeLessThan(1e-7);
    expect(maxDifference(scaled.weight, weights.get('weight')!)).toBeLessThan(0.1 * 2e-4);
  });

  it('is kept by gradients that an earlier fit has left over', async () => {
    const learner = await learnerOf('FP16');
    const gradientsOf = async (scale: number) => {
      const fit = await learner.begin(false, { initialLossScale: scale });
      await fit.accumulate(batch(1));
      const gradients = [...(await learner.read(gradientOf('weight')))];
      return { fit, gradients };
    };
    const first = await gradientsOf(1024);
    await first.fit.dispose();
    const second = await gradientsOf(2048);
    expect(
      maxDifference(
        second.gradients,
        first.gradients.map((value) => 3 * value),
      ),
    ).toBe(0);
    await second.fit.dispose();
    await learner.dispose();
  });

  it.each(['FP32', 'BF16'] as const)('does not exist in %s', async (precision) => {
    const learner = await learnerOf(precision);
    const fit = await learner.begin(false);
    expect(fit.lossScale).toBeNull();
    expect(await step(fit, batch(2 ** 20))).toBe(true);
    await fit.dispose();
    await learner.dispose();
  });

  it('a skipped step consumes the schedule and is told', async () => {
    const learner = await learnerOf('FP16');
    const batches = Array.from({ length: 8 }, () => overflowing);
    const [fit] = fitOneCycle(1, 0.01);
    const events: FitEvent[] = [];
    const data = {
      trainBatches: batches.length,
      validBatches: 0,
      async *train() {
        yield* batches;
      },
      async *valid() {},
    };
    for await (const event of runFit(learner, fit!, data)) events.push(event);
    const steps = events.filter((event) => event.kind === 'trained');
    const skips = steps.filter(({ skipped }) => skipped).length;
    expect(skips).toBeGreaterThan(0);
    expect(skips).toBeLessThan(batches.length);
    expect(steps.map(({ stepped }) => stepped)).toEqual(batches.map((_, i) => i >= skips));
    expect(steps.map(({ lossScale }) => lossScale)).toEqual(batches.map((_, i) => 65536 / 2 ** Math.min(i, skips)));
    expect(steps.map(({ learningRates, momentum }) => ({ learningRates, momentum }))).toEqual(
      batches.map((_, i) => fit!.schedule(i / batches.length)),
    );
    await learner.dispose();
  });
});
