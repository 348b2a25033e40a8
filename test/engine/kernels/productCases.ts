import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy, depthwiseConv, gelu, layerNorm, linear, patchify } from '../../../src/engine/ops.ts';
import { exact, type KernelCase, summed } from './case.ts';

const product = (
  a: readonly number[],
  b: readonly number[],
  transposeA: boolean,
  transposeB: boolean,
  kernel = 'BatchMatMul',
): KernelCase => ({
  kernel,
  title: `(${a})${transposeA ? 'ᵀ' : ''} · (${b})${transposeB ? 'ᵀ' : ''}`,
  inputs: { a: { shape: a }, b: { shape: b } },
  fn: (i) => tf.matMul(i.a!, i.b!, transposeA, transposeB),
  // tfjs-core gives no gradient where the batch is broadcast.
  gradients: `${a.slice(0, -2)}` === `${b.slice(0, -2)}` ? ['a', 'b'] : [],
  tolerance: summed,
});

const fused = (a: [number, number], b: [number, number], tA: boolean, tB: boolean, bias: number[]): KernelCase => ({
  kernel: '_FusedMatMul',
  title: `(${a})${tA ? 'ᵀ' : ''} · (${b})${tB ? 'ᵀ' : ''} + (${bias})`,
  inputs: { a: { shape: a }, b: { shape: b }, bias: { shape: bias } },
  fn: (i) =>
    tf.fused.matMul({
      a: i.a as tf.Tensor2D,
      b: i.b as tf.Tensor2D,
      transposeA: tA,
      transposeB: tB,
      bias: i.bias!,
    }),
  gradients: ['a', 'b', 'bias'],
  tolerance: summed,
});

const convolution = (
  title: string,
  x: readonly number[],
  filter: readonly number[],
  strides: [number, number],
  pad: 'same' | 'valid',
): KernelCase => ({
  kernel: 'Conv2D',
  reaches: ['Conv2DBackpropInput', 'Conv2DBackpropFilter'],
  title,
  inputs: { x: { shape: x }, filter: { shape: filter } },
  fn: (i) => tf.conv2d(i.x as tf.Tensor4D, i.filter as tf.Tensor4D, strides, pad),
  gradients: ['x', 'filter'],
  tolerance: summed,
});

/** An error in the seventh digit of a sum of a thousand is one in the fourth digit of its smallest results. */
const longSums = 1e-4;

const depthwise = (
  x: readonly [number, number, number, number],
  kernel: readonly [number, number],
  pad: 'same' | 'valid' = 'same',
): KernelCase => ({
  kernel: 'DepthwiseConv2dNative',
  reaches: ['DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter'],
  title: `(${x}) with ${kernel.join('x')}, ${pad}`,
  inputs: { x: { shape: x }, filter: { shape: [...kernel, x[3], 1] } },
  fn: (i) => tf.depthwiseConv2d(i.x as tf.Tensor4D, i.filter as tf.Tensor4D, 1, pad),
  gradients: ['x', 'filter'],
  tolerance: longSums,
});

export const depthwiseCases: readonly KernelCase[] = [
  depthwise([2, 9, 7, 16], [7, 7]),
  depthwise([1, 6, 5, 32], [3, 3]),
  depthwise([2, 5, 6, 24], [3, 5]),
  depthwise([3, 8, 8, 40], [7, 7]),
  depthwise([2, 6, 6, 8], [4, 2]),
  depthwise([2, 7, 6, 5], [3, 3]),
  depthwise([2, 7, 6, 16], [3, 3], 'valid'),
  depthwise([2, 4, 3, 16], [7, 7]),
  {
    kernel: 'FusedDepthwiseConv2D',
    title: 'with bias, 40 channels',
    inputs: { x: { shape: [2, 6, 5, 40] }, weight: { shape: [40, 1, 7, 7] }, bias: { shape: [40] } },
    fn: (i) => depthwiseConv(i.x!, i.weight!, i.bias!),
    gradients: ['x', 'weight', 'bias'],
    tolerance: longSums,
  },
];

export const productCases: readonly KernelCase[] = [
  product([3, 4], [4, 5], false, false),
  product([4, 3], [4, 5], true, false),
  product([3, 4], [5, 4], false, true),
  product([4, 3], [5, 4], true, true),
  product([2, 3, 4], [2, 4, 5], false, false),
  product([2, 3, 7, 4], [2, 3, 5, 4], false, true),
  product([2, 3, 4, 7], [2, 3, 4, 5], true, false),
  product([2, 3, 4], [4, 5], false, false),
  product([2, 3, 4], [1, 5, 4], false, true),
  product([2, 4, 3], [1, 4, 5], true, false),
  product([1, 1, 3, 4], [2, 3, 4, 5], false, false),
  fused([3, 4], [4, 5], false, false, [5]),
  fused([4, 3], [5, 4], true, true, [5]),
  fused([3, 4], [4, 5], false, false, [1]),
  fused([3, 4], [4, 5], false, false, [3, 5]),
  convolution('of patches', [2, 8, 12, 3], [4, 4, 3, 5], [4, 4], 'valid'),
  convolution('of patches that leave a rest', [2, 9, 11, 3], [2, 2, 3, 5], [2, 2], 'valid'),
  convolution('1x1', [2, 3, 4, 6], [1, 1, 6, 5], [1, 1], 'same'),
  convolution('3x3, same', [2, 5, 6, 3], [3, 3, 3, 4], [1, 1], 'same'),
  convolution('3x3, stride 2, same', [2, 7, 6, 3], [3, 3, 3, 4], [2, 2], 'same'),
  convolution('3x3, stride 2, valid', [1, 8, 7, 2], [3, 3, 2, 3], [2, 2], 'valid'),
  ...depthwiseCases,
  {
    kernel: 'OneHot',
    title: 'of class indices',
    inputs: { x: { shape: [6], dtype: 'int32', values: [0, 3, 2, 1, 3, 0] } },
    fn: (i) => tf.oneHot(i.x as tf.Tensor1D, 4),
    gradients: [],
    tolerance: 0,
  },
  {
    kernel: 'OneHot',
    title: 'with other values than 1 and 0',
    inputs: { x: { shape: [2, 3], dtype: 'int32', values: [0, 3, 2, 1, 3, 0] } },
    fn: (i) => tf.oneHot(i.x as tf.Tensor2D, 4, 0.9, -0.5, 'float32'),
    gradients: [],
    tolerance: exact,
  },
  ...[0, 1, 2].map(
    (axis): KernelCase => ({
      kernel: 'GatherV2',
      reaches: ['UnsortedSegmentSum'],
      title: `along axis ${axis}, with repeats`,
      inputs: { x: { shape: [5, 4, 6] }, indices: { shape: [7], dtype: 'int32', values: [3, 0, 2, 3, 3, 1, 0] } },
      fn: (i) => tf.gather(i.x!, i.indices as tf.Tensor1D, axis),
      gradients: ['x'],
      tolerance: exact,
    }),
  ),
  {
    kernel: 'GatherV2',
    title: 'by a matrix of indices, as position bias tables are read',
    inputs: { x: { shape: [5, 3] }, indices: { shape: [2, 4], dtype: 'int32', values: [3, 0, 2, 3, 4, 1, 0, 4] } },
    fn: (i) => tf.gather(i.x!, i.indices as tf.Tensor2D),
    gradients: ['x'],
    tolerance: exact,
  },
  {
    kernel: 'UnsortedSegmentSum',
    title: 'of integers',
    inputs: { x: { shape: [4, 3], dtype: 'int32' }, ids: { shape: [4], dtype: 'int32', values: [2, 0, 2, 1] } },
    fn: (i) => tf.unsortedSegmentSum(i.x!, i.ids as tf.Tensor1D, 4),
    gradients: [],
    tolerance: 0,
  },
  {
    kernel: 'LayerNormalization',
    title: 'of rows',
    inputs: { x: { shape: [3, 5, 24] }, scale: { shape: [24] }, bias: { shape: [24] } },
    fn: (i) => layerNorm(i.x!, i.scale!, i.bias!, 1e-6),
    formula: (i) => {
      const mean = i.x!.mean(-1, true);
      const variance = i.x!.sub(mean).square().mean(-1, true);
      return i.x!.sub(mean).div(variance.add(1e-6).sqrt()).mul(i.scale!).add(i.bias!);
    },
    gradients: ['x', 'scale', 'bias'],
    tolerance: summed,
  },
  {
    kernel: 'Gelu',
    title: 'exact',
    inputs: { x: { shape: [7, 31] } },
    fn: (i) => gelu(i.x!),
    formula: (i) => i.x!.mul(tf.erf(i.x!.div(Math.SQRT2)).add(1)).div(2),
    gradients: ['x'],
    tolerance: summed,
  },
  {
    kernel: '_FusedMatMul',
    title: 'as linear over three axes',
    inputs: { x: { shape: [2, 3, 4] }, weight: { shape: [5, 4] }, bias: { shape: [5] } },
    fn: (i) => linear(i.x!, i.weight!, i.bias!),
    formula: (i) =>
      tf
        .matMul(i.x!.reshape([6, 4]), i.weight!.transpose())
        .add(i.bias!)
        .reshape([2, 3, 5]),
    gradients: ['x', 'weight', 'bias'],
    tolerance: summed,
  },
  {
    kernel: '_FusedMatMul',
    title: 'as patchify that leaves a rest',
    inputs: { x: { shape: [2, 9, 6, 3] }, weight: { shape: [5, 3, 4, 4] }, bias: { shape: [5] } },
    fn: (i) => patchify(i.x!, i.weight!, i.bias!),
    formula: (i) =>
      tf.conv2d(i.x as tf.Tensor4D, i.weight!.transpose<tf.Tensor4D>([2, 3, 1, 0]), 4, 'valid').add(i.bias!),
    gradients: ['x', 'weight', 'bias'],
    tolerance: summed,
  },
  {
    kernel: 'OneHot',
    title: 'as cross-entropy',
    inputs: { x: { shape: [5, 4] }, labels: { shape: [5], dtype: 'int32', values: [0, 3, 1, 1, 2] } },
    fn: (i) => crossEntropy(i.x!, i.labels!),
    formula: (i) => {
      const probabilities = tf.softmax(i.x!).mul(tf.oneHot(i.labels as tf.Tensor1D, 4));
      return probabilities.sum(-1).log().mean().neg();
    },
    gradients: ['x'],
    tolerance: summed,
  },
];
