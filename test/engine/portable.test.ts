/** A traced function as a model for any batch size, in operators that every runtime knows. */

import * as tf from '@tensorflow/tfjs-core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import type { Tensors } from '../../src/engine/engine.ts';
import type { Graph } from '../../src/engine/graph/ir.ts';
import { encodeModel } from '../../src/engine/graph/onnx.ts';
import { portableGraph, portableVersions } from '../../src/engine/graph/portable.ts';
import { trace } from '../../src/engine/graph/trace.ts';
import { gelu, layerNorm } from '../../src/engine/ops.ts';

const target = { nchwcBlock: 0, contrib: false };

function portable(fn: (x: tf.Tensor) => tf.Tensor, shape: readonly number[], to = target): Graph {
  const one = ({ x }: Tensors): Tensors => ({ y: fn(x!) });
  return portableGraph((batch) => trace(one, { x: { shape: [batch, ...shape] } }, to), 'x');
}

/** What the model gives for a batch, and what tfjs gives. */
async function compare(fn: (x: tf.Tensor) => tf.Tensor, shape: readonly number[]): Promise<void> {
  const bytes = encodeModel(portable(fn, shape), { versions: portableVersions, batch: 'batch' });
  const session = await InferenceSession.create(bytes);
  for (const batch of [1, 2, 5]) {
    const dims = [batch, ...shape];
    const values = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i));
    const { y } = await session.run({ x: new Tensor(values, dims) });
    const expected = tf.tidy(() => fn(tf.tensor(values, dims)));
    expect(y!.dims).toEqual(expected.shape);
    const wanted = await expected.data();
    expect(Math.max(...(y!.data as Float32Array).map((value, i) => Math.abs(value - wanted[i]!)))).toBeLessThan(1e-5);
    expected.dispose();
  }
  await session.release();
}

describe('a function of a batch', () => {
  const [four, six] = [4, 6];
  test.each<[string, (x: tf.Tensor) => tf.Tensor]>([
    [
      'reshapes',
      (x) =>
        x
          .reshape([-1, six])
          .mul(2)
          .reshape([x.shape[0]!, six * four]),
    ],
    ['cuts and joins', (x) => tf.concat([x.slice([0, 1, 0], [x.shape[0]!, 2, six]), x], 1)],
    ['repeats something for every image', (x) => tf.concat([tf.ones([1, 1, six]).tile([x.shape[0]!, 1, 1]), x], 1)],
    ['repeats images', (x) => x.tile([2, 1, 1])],
    ['adds a constant after the batch', (x) => tf.concat([x, tf.zeros([1, four, six])], 0)],
    ['starts behind the first image', (x) => tf.concat([x, x], 0).slice([x.shape[0]!, 0, 0], [x.shape[0]!, four, six])],
    ['reduces', (x) => tf.concat([x.max(1), x.mean(1), x.min([1])], 1)],
    ['bends', (x) => gelu(x)],
    ['normalises', (x) => layerNorm(x, tf.tensor1d([1, 2, 3, 4, 5, 6]), tf.tensor1d([0, 1, 0, 2, 0, 3]), 1e-6)],
  ])('%s', async (_, fn) => {
    await compare(fn, [four, six]);
  });

  test('has operators of set 17 only, without outputs that nothing reads', () => {
    const graph = portable((x) => layerNorm(gelu(x.mean(1)), tf.ones([6]), tf.zeros([6]), 1e-6), [4, 6]);
    const nodes = graph.liveNodes();
    expect(nodes.map(({ op }) => op)).not.toContain('Gelu');
    expect(nodes.find(({ op }) => op === 'ReduceMean')).toMatchObject({
      attributes: { axes: [1] },
      inputs: [{ name: 'x' }],
    });
    expect(nodes.find(({ op }) => op === 'LayerNormalization')!.outputs).toHaveLength(1);
  });

  test('that is another for another batch size cannot be exported', () => {
    expect(() => portable((x) => (x.shape[0] === 13 ? x.exp() : x.neg()), [2])).toThrow(/Neg becomes Exp/);
    expect(() => portable((x) => (x.shape[0] === 13 ? x.exp().exp() : x.exp()), [2])).toThrow(
      /another number of operators/,
    );
    expect(() => portable((x) => x.mul(x.shape[0]!), [2])).toThrow(/another constant of type float32/);
    expect(() => portable((x) => x.slice([0, 0], [Math.ceil(x.shape[0]! / 3), 2]), [2])).toThrow(/in a constant/);
  });

  test('in ONNX Runtime’s own operators cannot be exported', () => {
    const blocked = { nchwcBlock: 8, contrib: true };
    const depthwise = (x: tf.Tensor) => tf.depthwiseConv2d(x as tf.Tensor4D, tf.ones([3, 3, 8, 1]), 1, 'same');
    expect(() => portable(depthwise, [4, 4, 8], blocked)).toThrow(
      /com\.microsoft\.nchwc\.ReorderInput is no part of ONNX/,
    );
  });
});
