/** What the learner's steps cost in memory, by what the engines say they do. */

import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { createRandom } from '../../src/domain/random.ts';
import { sizeOf } from '../../src/domain/shape.ts';
import { openEager } from '../../src/engine/eager.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openOnnxRuntime } from '../../src/engine/onnxruntime/engine.ts';
import { OnnxStep } from '../../src/engine/onnxruntime/step.ts';
import { drawMasks } from '../../src/learner/data.ts';
import { createLearner, type Learner } from '../../src/learner/learner.ts';
import { convnext } from '../../src/models/convnext.ts';
import { classifier, type Model } from '../../src/models/model.ts';
import { initialValues } from '../../src/models/parameters.ts';
import { vit } from '../../src/models/vit.ts';
import type { InitialWeights } from '../../src/models/weights.ts';

const size = { height: 32, width: 32 };

function learnerOf(engine: Engine, model: Model): Promise<Learner> {
  const weights: InitialWeights = new Map([
    ...model.parameters.map((p): [string, Float32Array] => [p.name, initialValues(p, 1)]),
    ...model.buffers.map((b): [string, Float32Array] => [b.name, new Float32Array(sizeOf(b.shape)).fill(b.value)]),
  ]);
  return createLearner({ engine, model, weights, batchSize: 2, effectiveBatchSize: 4, weightDecay: 0.01 });
}

const small = { depths: [1, 1, 1, 1], dims: [4, 4, 4, 4] } as const;
const models = [
  { name: 'ConvNeXt', model: classifier(convnext({ ...small, convMlp: false }), size, 3) },
  { name: 'ConvNeXt with 1x1 convolutions', model: classifier(convnext({ ...small, convMlp: true }), size, 3) },
  { name: 'ViT', model: classifier(vit({ depth: 1, dim: 8, heads: 2, patch: 16, size }), size, 3) },
];

it.each(models)(
  'onnxruntime trains $name without a second copy of any parameter, gradient or moment',
  async ({ model }) => {
    const engine = await openOnnxRuntime({ computeThreads: 1 });
    const steps: OnnxStep[] = [];
    const observed: Engine = {
      info: engine.info,
      createState: (entries) => engine.createState(entries),
      async compile(definition) {
        const step = await engine.compile(definition);
        if (step instanceof OnnxStep) steps.push(step);
        return step;
      },
      dispose: () => engine.dispose(),
    };
    const learner = await learnerOf(observed, model);
    for (const frozen of [true, false]) await (await learner.begin(frozen)).dispose();
    expect(steps).toHaveLength(4);
    expect(steps.flatMap((step) => step.plan.swapped)).toEqual([]);
    await engine.dispose();
  },
);

it('an eager engine keeps no tensor from step to step', async () => {
  const engine = openEager('cpu', { name: 'tfjs-cpu', device: 'cpu', precision: 'FP32', versions: {} });
  const model = classifier(convnext({ ...small, convMlp: true }), size, 3);
  const learner = await learnerOf(engine, model);
  const fit = await learner.begin(false);
  const counts: number[] = [];
  for (let i = 0; i < 3; i++) {
    await fit.accumulate({
      inputs: new Float32Array(2 * 32 * 32 * 3).fill(i),
      labels: Int32Array.of(0, 2),
      masks: drawMasks(model.masks, 2, createRandom(i)),
    });
    await fit.update({ learningRates: [1e-3, 1e-3], momentum: 0.9 });
    await learner.predict(new Float32Array(32 * 32 * 3));
    counts.push(tf.memory().numTensors);
  }
  expect(counts[2]).toBe(counts[0]);
  await fit.dispose();
  await learner.dispose();
  await engine.dispose();
});
