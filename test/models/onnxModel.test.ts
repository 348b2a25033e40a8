/** The exported model predicts what the learner predicts, for batches of any size. */

import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/domain/random.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openOnnxRuntime } from '../../src/engine/onnxruntime/engine.ts';
import { createLearner } from '../../src/learner/learner.ts';
import { softmaxRows } from '../../src/learner/metrics.ts';
import { onnxModel } from '../../src/models/onnxModel.ts';
import { createModel } from '../../src/models/registry.ts';
import { randomWeights, type SmallNetwork, smallNetworks } from './smallNetworks.ts';

const vocab = ['blast', 'hispa', 'tungro "x"'];
let engine: Engine;
beforeAll(async () => {
  engine = await openOnnxRuntime({ computeThreads: 2 });
});
afterAll(() => engine.dispose());

async function exported({ architecture, size }: SmallNetwork) {
  const model = createModel(architecture, size, vocab.length);
  const weights = randomWeights(model, 3);
  const itemTransform = { size: { height: 80, width: 60 }, method: 'CROP' } as const;
  const info = { runId: 'run_1', architecture, size, itemTransform, vocab };
  const pieces: Uint8Array[] = [];
  for await (const piece of onnxModel({ info, model, read: async (name) => weights.get(name)! })) pieces.push(piece);
  return { model, weights, bytes: Buffer.concat(pieces) };
}

describe.each(smallNetworks)('$architecture.family', (network) => {
  it('gives the learner’s probabilities, whatever the batch size', async () => {
    const { model, weights, bytes } = await exported(network);
    const { height, width } = network.size;
    const { mean, std } = network.architecture;
    const count = 4;
    const random = createRandom(1, 'pixels');
    const pixels = new Float32Array(count * height * width * 3).map(() => random.next());
    const learner = await createLearner({
      ...{ engine, model, weights, batchSize: count, effectiveBatchSize: count, weightDecay: 0 },
    });
    const logits = await learner.predict(pixels.map((value, i) => (value - mean[i % 3]!) / std[i % 3]!));
    await learner.dispose();
    const expected = softmaxRows(logits, vocab.length);
    const first = expected.subarray(0, vocab.length);
    // The pictures are told apart.
    expect(Math.max(...first.map((p, i) => Math.abs(p - expected[vocab.length + i]!)))).toBeGreaterThan(1e-4);

    const plane = height * width;
    const channelsFirst = pixels.map((_, i) => {
      const [image, channel, pixel] = [Math.floor(i / (3 * plane)), Math.floor(i / plane) % 3, i % plane];
      return pixels[(image * plane + pixel) * 3 + channel]!;
    });
    const session = await InferenceSession.create(bytes);
    expect([session.inputNames, session.outputNames]).toEqual([['images'], ['probabilities', 'logits']]);
    for (const batch of [1, 2, count]) {
      const images = new Tensor('float32', channelsFirst.slice(0, batch * 3 * plane), [batch, 3, height, width]);
      const results = await session.run({ images });
      expect(results.probabilities!.dims).toEqual([batch, vocab.length]);
      const difference = (name: string, values: Float32Array) =>
        Math.max(...(results[name]!.data as Float32Array).map((value, i) => Math.abs(value - values[i]!)));
      expect(difference('probabilities', expected)).toBeLessThan(1e-5);
      expect(difference('logits', logits)).toBeLessThan(1e-4);
    }
    await session.release();
  });
});
