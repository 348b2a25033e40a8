/** The graph folds what costs nothing to fold, and the model written from it computes what it says. */

import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { Graph, splatOf } from '../../src/engine/graph/ir.ts';
import { encodeModel } from '../../src/engine/graph/onnx.ts';

const graphWithInput = (shape: readonly number[]) => {
  const graph = new Graph();
  return { graph, x: graph.input('x', 'float32', shape) };
};

test('an operator with the inputs and attributes of an earlier one is that one', () => {
  const { graph, x } = graphWithInput([2, 3]);
  expect(graph.op('Exp', [x], 'float32', [2, 3])).toBe(graph.op('Exp', [x], 'float32', [2, 3]));
  expect(graph.transpose(x, [1, 0])).toBe(graph.transpose(x, [1, 0]));
  const softmax = (axis: number) => graph.op('Softmax', [x], 'float32', [2, 3], { axis });
  expect(softmax(0)).not.toBe(softmax(1));
  expect(graph.op('Exp', [x], 'float32', [2, 3], {}, 'com.microsoft').node).toMatchObject({ domain: 'com.microsoft' });
});

test('equal constants are one, different bits and shapes are not', () => {
  const graph = new Graph();
  const large = () => Float32Array.from({ length: 1000 }, (_, i) => i);
  expect(graph.constant(large(), 'float32', [1000])).toBe(graph.constant(large(), 'float32', [1000]));
  expect(graph.constant(large(), 'float32', [1000])).not.toBe(graph.constant(large(), 'float32', [10, 100]));
  expect(graph.constant(large(), 'float32', [1000])).not.toBe(graph.constant(large().fill(7, 999), 'float32', [1000]));
  expect(graph.float(0)).toBe(graph.float(0));
  expect(graph.float(0)).not.toBe(graph.float(-0));
  expect(graph.float(1)).not.toBe(graph.int32(1));
});

test('reshapes in a row are one, and none where the shape is back', () => {
  const { graph, x } = graphWithInput([2, 6]);
  const twice = graph.reshape(graph.reshape(x, [3, 4]), [12]);
  expect(twice.node?.inputs[0]).toBe(x);
  expect(graph.reshape(twice, [2, 6])).toBe(x);
});

test('transposes in a row are one, none where they cancel, and a reshape where only ones move', () => {
  const { graph, x } = graphWithInput([2, 3, 4]);
  const once = graph.transpose(x, [2, 0, 1]);
  expect(once.shape).toEqual([4, 2, 3]);
  expect(graph.transpose(once, [1, 2, 0])).toBe(x);
  expect(graph.transpose(once, [1, 0, 2]).node?.attributes).toEqual({ perm: [0, 2, 1] });
  const thin = graph.input('thin', 'float32', [5, 1, 3]);
  expect(graph.transpose(thin, [1, 0, 2]).node?.op).toBe('Reshape');
  expect(graph.transpose(thin, [2, 1, 0]).node?.op).toBe('Transpose');
});

test('a splat is known through its expansion', () => {
  const { graph, x } = graphWithInput([2]);
  expect(splatOf(graph.expand(graph.float(2.5), [3, 4]))).toBe(2.5);
  expect(splatOf(graph.constant(Float32Array.of(1, 1), 'float32', [2]))).toBeUndefined();
  expect(splatOf(x)).toBeUndefined();
});

test('only what an output needs is live', () => {
  const { graph, x } = graphWithInput([2]);
  graph.op('Exp', [x], 'float32', [2]);
  graph.output('y', graph.op('Neg', [x], 'float32', [2]));
  expect(graph.liveNodes().map(({ op }) => op)).toEqual(['Neg']);
});

test('a model has all kinds of attributes, constants and outputs', async () => {
  const { graph, x } = graphWithInput([2, 3]);
  graph.input('unused', 'float32', [9]);
  const weights = graph.constant(Float32Array.of(1, 2, 3, 4, 5, 6), 'float32', [3, 2]);
  const product = graph.op('Gemm', [x, weights], 'float32', [2, 2], { alpha: { float: 0.5 }, transA: 0 });
  graph.output('product', product);
  graph.output('again', product);
  graph.output('input', x);
  graph.output('constant', weights);
  graph.output('turned', graph.transpose(product, [1, 0]));
  const indices = graph.constant(BigInt64Array.of(0n, 0n), 'int64', [2, 1]);
  const scattered = graph.op(
    'ScatterND',
    [graph.expand(graph.int32(7), [3]), indices, graph.expand(graph.int32(-2), [2])],
    'int32',
    [3],
    { reduction: 'add' },
  );
  graph.output('scattered', scattered);
  const session = await InferenceSession.create(encodeModel(graph));
  expect(session.inputNames).toEqual(['x']);
  const results = await session.run({ x: new Tensor(Float32Array.of(1, 0, 0, 0, 0, 2), [2, 3]) });
  const dataOf = (name: string) => [...(results[name]!.data as Float32Array)];
  expect(dataOf('product')).toEqual([0.5, 1, 5, 6]);
  expect(dataOf('again')).toEqual([0.5, 1, 5, 6]);
  expect(dataOf('turned')).toEqual([0.5, 5, 1, 6]);
  expect(dataOf('input')).toEqual([1, 0, 0, 0, 0, 2]);
  expect(dataOf('constant')).toEqual([1, 2, 3, 4, 5, 6]);
  expect(dataOf('scattered')).toEqual([3, 7, 7]);
  await session.release();
});
