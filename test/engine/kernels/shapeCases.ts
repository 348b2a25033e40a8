import * as tf from '@tensorflow/tfjs-core';
import { exact, type KernelCase, summed } from './case.ts';

const one = (
  kernel: string,
  title: string,
  shape: readonly number[],
  fn: (x: tf.Tensor) => tf.Tensor | tf.Tensor[],
  reaches: readonly string[] = [],
): KernelCase => ({
  kernel,
  reaches,
  title,
  inputs: { x: { shape } },
  fn: (i) => fn(i.x!),
  gradients: ['x'],
  tolerance: exact,
});

const constant = (kernel: string, title: string, fn: (x: tf.Tensor) => tf.Tensor): KernelCase => ({
  ...one(kernel, title, [3, 5], fn),
  gradients: [],
});

/** A cyclic shift of axis 1, as Swin's windows need it. */
const roll = (x: tf.Tensor, by: number): tf.Tensor => {
  const length = x.shape[1]!;
  return tf.concat([x.slice([0, length - by], [-1, by]), x.slice([0, 0], [-1, length - by])], 1);
};

export const shapeCases: readonly KernelCase[] = [
  one('Reshape', 'with a free axis', [2, 3, 4], (x) => x.reshape([4, -1])),
  one('Reshape', 'twice', [2, 6], (x) => x.reshape([3, 4]).reshape([12]).mul(2)),
  one('ExpandDims', 'in the middle and at the end', [2, 3], (x) => tf.expandDims(tf.expandDims(x, 1), -1)),
  one('Transpose', 'of three axes', [2, 3, 4], (x) => x.transpose([2, 0, 1])),
  one('Transpose', 'of attention heads', [2, 5, 3, 4], (x) => x.transpose([0, 2, 1, 3]).transpose([0, 1, 3, 2])),
  one('Transpose', 'that only moves an axis of length 1', [3, 1, 4], (x) => x.transpose([1, 0, 2]).mul(3)),
  one('Slice', 'of the middle', [4, 5, 3], (x) => x.slice([1, 0, 1], [2, -1, 2]), ['PadV2']),
  one('SplitV', 'in equal parts', [2, 6], (x) => tf.split(x, 3, 1), ['Concat']),
  one('SplitV', 'in unequal parts', [7, 2], (x) => tf.split(x, [1, 4, 2], 0)),
  {
    kernel: 'Concat',
    reaches: ['SplitV'],
    title: 'of unequal parts along the last axis',
    inputs: { a: { shape: [2, 3] }, b: { shape: [2, 1] }, c: { shape: [2, 4] } },
    fn: (i) => tf.concat([i.a!, i.b!, i.c!], -1),
    gradients: ['a', 'b', 'c'],
    tolerance: exact,
  },
  one('Concat', 'as a cyclic shift', [2, 7], (x) => roll(x, 3)),
  {
    kernel: 'Pack',
    reaches: ['Unpack'],
    title: 'along a new middle axis',
    inputs: { a: { shape: [2, 3] }, b: { shape: [2, 3] } },
    fn: (i) => tf.stack([i.a!, i.b!], 1),
    gradients: ['a', 'b'],
    tolerance: exact,
  },
  one('Unpack', 'of the first axis', [3, 2, 2], (x) => tf.unstack(x), ['Pack']),
  one('Unpack', 'of the last axis', [2, 3], (x) => tf.unstack(x, -1)),
  one(
    'PadV2',
    'with zeros',
    [2, 3],
    (x) =>
      tf.pad(x, [
        [1, 0],
        [0, 2],
      ]),
    ['Slice'],
  ),
  one('PadV2', 'with a number', [2, 3], (x) =>
    tf.pad(
      x,
      [
        [0, 0],
        [3, 1],
      ],
      -1.5,
    ),
  ),
  one('Tile', 'that repeats', [2, 3], (x) => tf.tile(x, [2, 3])),
  { ...one('Tile', 'that only broadcasts', [1, 3], (x) => tf.broadcastTo(x, [4, 3]).mul(x)), tolerance: summed },
  one('Reverse', 'of two axes', [2, 3, 4], (x) => tf.reverse(x, [0, -1])),
  constant('Fill', 'with a number', (x) => tf.fill([3, 5], 1.25).add(x)),
  constant('ZerosLike', 'as a factor', (x) => tf.zerosLike(x).add(x)),
  constant('OnesLike', 'as a factor', (x) => tf.onesLike(x).mul(x).sub(tf.onesLike(x))),
];
