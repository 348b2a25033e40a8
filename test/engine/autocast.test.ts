/** Half precision beside the real autocast: PyTorch's on the CPU, which has it for bfloat16. */

import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Engine, Tensors } from '../../src/engine/engine.ts';
import { openOnnxRuntime } from '../../src/engine/onnxruntime/engine.ts';
import { crossEntropy, depthwiseConv, layerNorm, linear, patchify } from '../../src/engine/ops.ts';
import { goldenJson } from '../models/goldenFiles.ts';

const golden = goldenJson('autocast/bfloat16');
const trained = Object.keys(golden.inputs).filter((name) => name !== 'x');

/** The network of test/golden/autocast/make.py. */
function logitsOf(p: Tensors): tf.Tensor {
  const image = p.x!.transpose([0, 2, 3, 1]);
  let y = patchify(image, p.patches!, p.patches_bias!);
  y = depthwiseConv(y, p.depthwise!, p.depthwise_bias!).reshape([-1, 9, 16]);
  y = layerNorm(y, p.norm!, p.norm_bias!, 1e-6);
  const [q, k] = tf.split(linear(y, p.qk!), 2, -1) as [tf.Tensor, tf.Tensor];
  const weights = tf.softmax(tf.matMul(q, k, false, true));
  y = y.add(tf.matMul(weights, k));
  return linear(linear(y, p.up!, p.up_bias!).relu().mean(1), p.head!, p.head_bias!);
}

const computed: Record<string, Record<string, ArrayLike<number>>> = {};
const engines: Engine[] = [];
beforeAll(async () => {
  for (const precision of ['FP32', 'BF16'] as const) {
    const engine = await openOnnxRuntime({ computeThreads: 1, precision });
    engines.push(engine);
    const entries = Object.entries<{ shape: number[]; values: number[] }>(golden.inputs);
    const step = await engine.compile({
      state: await engine.createState({}),
      uses: [],
      inputs: {
        ...Object.fromEntries(entries.map(([name, { shape }]) => [name, { shape }])),
        labels: { shape: [golden.labels.length], dtype: 'int32' },
      },
      fn: (_, { labels, ...given }) => {
        const lossOf = (...variables: tf.Tensor[]) => {
          const named = Object.fromEntries(trained.map((name, i) => [name, variables[i]!]));
          return crossEntropy(logitsOf({ ...given, ...named }), labels!);
        };
        const { value: loss, grads } = tf.valueAndGrads(lossOf)(trained.map((name) => given[name]!));
        const gradients = Object.fromEntries(trained.map((name, i) => [name, grads[i]!]));
        return { out: { logits: logitsOf(given), loss, ...gradients } };
      },
    });
    const numbers = Object.fromEntries(entries.map(([name, { values }]) => [name, Float32Array.from(values)]));
    computed[precision] = await step.run({ ...numbers, labels: Int32Array.from(golden.labels) });
  }
});
afterAll(async () => {
  for (const engine of engines) await engine.dispose();
});

/** Root mean square of the difference, relative to that of `expected`. */
function deviation(actual: ArrayLike<number>, expected: readonly number[]): number {
  let [difference, size] = [0, 0];
  expected.forEach((value, i) => {
    difference += (actual[i]! - value) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(difference / size);
}

const all = ['logits', 'loss', ...trained];
/** Gradients that are sums of what reaches a product: autocast rounds those sums too. */
const sums = ['patches_bias', 'depthwise_bias', 'up_bias', 'head_bias'];

it.each(all)('%s are PyTorch’s in FP32', (name) => {
  expect(deviation(computed.FP32![name]!, golden.float32[name])).toBeLessThan(2e-6);
});

// To the bit, but for sums in another order whose rounding falls to the other side.
it.each(all)('%s are PyTorch’s in BF16', (name) => {
  const apart = deviation(computed.BF16![name]!, golden.bfloat16[name]);
  expect(apart).toBeLessThan(sums.includes(name) ? 3e-3 : 1e-5);
  expect(deviation(golden.float32[name], golden.bfloat16[name])).toBeGreaterThan(
    10 * (sums.includes(name) ? 1e-4 : 1e-5),
  );
});
