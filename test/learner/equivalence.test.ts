/** That the comparison of accumulated gradients finds real networks equal, and broken accumulation not. */

import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agrees } from '../../src/domain/memoryProbe.ts';
import { createRandom } from '../../src/domain/random.ts';
import { sizeOf } from '../../src/domain/shape.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { measureEquivalence } from '../../src/learner/equivalence.ts';
import { compileMicroStep } from '../../src/learner/steps.ts';
import { convnext } from '../../src/models/convnext.ts';
import { classifier, type Model } from '../../src/models/model.ts';
import { initialValues } from '../../src/models/parameters.ts';
import { swin } from '../../src/models/swin.ts';
import { swinv2 } from '../../src/models/swinv2.ts';
import { vit } from '../../src/models/vit.ts';
import type { InitialWeights } from '../../src/models/weights.ts';
import { engines } from './engines.ts';

const size = { height: 32, width: 32 };
const samples = 6;
const windows = { depths: [2, 2], dim: 16, heads: [2, 4], window: 4, patch: 4, dropPath: 0 };
const models: readonly [string, Model][] = [
  ['ConvNeXt', classifier(convnext({ depths: [1, 1, 2, 1], dims: [8, 16, 24, 32], convMlp: false }), size, 3)],
  ['ViT', classifier(vit({ depth: 2, dim: 24, heads: 3, patch: 8, size }), size, 3)],
  ['Swin', classifier(swin({ ...windows, size }), size, 3)],
  ['SwinV2', classifier(swinv2({ ...windows, pretrainedWindows: [0, 0], size }), size, 3)],
];

function weightsOf(model: Model): InitialWeights {
  return new Map([
    ...model.parameters.map((p): [string, Float32Array] => [p.name, initialValues(p, 1)]),
    ...model.buffers.map((b): [string, Float32Array] => [b.name, new Float32Array(sizeOf(b.shape)).fill(b.value)]),
  ]);
}

/** Images of noise, every class among them. */
function batchOf(model: Model) {
  const random = createRandom(5);
  const inputs = Float32Array.from({ length: samples * sizeOf(model.inputShape) }, () => 2 * random.next() - 1);
  return { inputs, labels: Int32Array.from({ length: samples }, (_, i) => i % model.classes) };
}

describe.each(engines)('on $name', ({ create }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await create();
  });
  afterAll(() => engine.dispose());

  const compare = (model: Model, accumulation: number, compile?: typeof compileMicroStep) =>
    measureEquivalence({
      ...{ engine, model, weights: weightsOf(model), ...batchOf(model), accumulation },
      ...(compile && { compile }),
    });

  // 6 micro-batches have one image each: nothing depends on the batch.
  it.each(models.flatMap(([name, model]) => [2, 6].map((k) => [name, k, model] as const)))(
    '%s: accumulation %i gives the gradient of one micro-batch, but for rounding',
    async (_, accumulation, model) => {
      const found = await compare(model, accumulation);
      expect(found).toMatchObject({ accumulation, samples });
      expect(found.loss).toBeGreaterThan(0.1);
      expect(found.gradientMax).toBeGreaterThan(1e-4);
      expect(found.lossDifference).toBeLessThan(1e-6 * found.loss);
      expect(found.gradientDifference).toBeLessThan(5e-6 * found.gradientMax);
      expect(found.gradientCosine).toBeCloseTo(1, 9);
      expect(agrees(found)).toBe(true);
    },
  );

  const [, model] = models[0]!;

  it('a mean over micro-batches that is not divided by their number is found out', async () => {
    const found = await compare(model, 3, (engine, state, model, trained, batchSize) =>
      compileMicroStep(engine, state, model, trained, batchSize, batchSize),
    );
    expect(found.gradientDifference).toBeCloseTo(2 * found.gradientMax, 5);
    expect(found.gradientCosine).toBeCloseTo(1, 6);
    expect(agrees(found)).toBe(false);
  });

  it('a micro-batch that is lost is found out', async () => {
    const found = await compare(model, 3, async (...args) => {
      const step = await compileMicroStep(...args);
      let runs = 0;
      return {
        run: async (inputs) => (runs++ === 2 ? { loss: Float32Array.of(1) } : step.run(inputs)),
        dispose: () => step.dispose(),
      };
    });
    expect(found.gradientCosine).toBeLessThan(0.999);
    expect(agrees(found)).toBe(false);
  });

  it('batch statistics of each micro-batch, which training has by design, would not agree', async () => {
    const inTraining: Model = {
      ...model,
      masks: [],
      forward(tensors, inputs) {
        const ones = model.masks.map(({ name, shape }) => [name, tf.ones([inputs.shape[0]!, ...shape])]);
        return model.forward(tensors, inputs, Object.fromEntries(ones));
      },
    };
    const found = await compare(model, 3, (engine, state, _, ...others) =>
      compileMicroStep(engine, state, inTraining, ...others),
    );
    expect(found.gradientCosine).toBeLessThan(0.999);
    expect(agrees(found)).toBe(false);
  });
});
