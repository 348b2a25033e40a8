import * as tf from '@tensorflow/tfjs-core';
import { exact, type InputSpec, type KernelCase, summed } from './case.ts';

type Reduction = (x: tf.Tensor, axis?: number | number[], keepDims?: boolean) => tf.Tensor;

const over = (
  kernel: string,
  shape: readonly number[],
  fn: (x: tf.Tensor) => tf.Tensor,
  title: string,
  input: Partial<InputSpec> = {},
): KernelCase => ({
  kernel,
  title,
  inputs: { x: { shape, ...input } },
  fn: (i) => fn(i.x!),
  gradients: input.dtype === 'int32' ? [] : ['x'],
  tolerance: summed,
});

const everyWay = (kernel: string, reduce: Reduction): KernelCase[] => [
  over(kernel, [3, 4, 5], (x) => reduce(x), 'of everything'),
  over(kernel, [3, 4, 5], (x) => reduce(x, 1), 'over the middle axis'),
  over(kernel, [3, 4, 5], (x) => reduce(x, [0, 2], true), 'over two axes, kept'),
  over(kernel, [3, 4, 5], (x) => reduce(x, -1), 'over the last axis'),
  over(kernel, [3, 1, 5], (x) => reduce(x, 1), 'over an axis of length 1'),
  over(kernel, [], (x) => reduce(x), 'of a scalar'),
];

const discrete = (kernel: string, fn: (x: tf.Tensor) => tf.Tensor): KernelCase => ({
  ...over(kernel, [4, 3, 5], fn, 'over one axis', { values: 'integers' }),
  gradients: [],
  tolerance: 0,
});

export const reduceCases: readonly KernelCase[] = [
  ...everyWay('Sum', tf.sum),
  // Sums over all leading axes of tall matrices are products with ones, in row blocks from 1024 rows on.
  over('Sum', [5, 16, 7], (x) => tf.sum(x, [0, 1]), 'of 80 rows'),
  over('Sum', [4, 16, 20, 3], (x) => tf.sum(x, [0, 1, 2]), 'of 1280 rows'),
  over('Sum', [1031, 3], (x) => tf.sum(x, 0, true), 'of a prime number of rows, kept'),
  over('Sum', [100, 3], (x) => tf.sum(x, 0), 'of integers', { dtype: 'int32' }),
  ...everyWay('Mean', tf.mean),
  ...everyWay('Max', tf.max),
  ...everyWay('Min', tf.min),
  over('Max', [2, 5, 4, 3], (x) => tf.max(x, [1, 2]), 'over height and width'),
  over('Max', [4, 6], (x) => tf.max(x, 1), 'with ties', { values: 'integers' }),
  discrete('ArgMax', (x) => tf.argMax(x, 1)),
  discrete('ArgMax', (x) => tf.argMax(x, -1)),
  discrete('All', (x) => tf.all(x.greater(-3), 2).cast('int32')),
  discrete('Any', (x) => tf.any(x.greater(2), 1).cast('int32')),
  over('Softmax', [4, 3, 7], (x) => tf.softmax(x), 'over the last axis'),
  over('Softmax', [2, 9], (x) => tf.softmax(x.mul(30)), 'of large numbers'),
  // Not kernels of their own, but made of several.
  over('Log', [4, 7], (x) => tf.logSoftmax(x), 'of the softmax'),
  over('Log', [4, 7], (x) => tf.logSoftmax(x.mul(30)), 'of the softmax of large numbers'),
  over('Mean', [6, 4, 4, 5], (x) => batchNorm(x), 'as batch normalisation'),
  over('Sum', [3, 8], (x) => x.div(tf.sqrt(x.square().sum(-1, true).add(1e-6))), 'as l2 normalisation'),
  {
    kernel: 'Mean',
    title: 'as moments',
    inputs: { x: { shape: [3, 4, 6] } },
    fn: (i) => {
      const { mean, variance } = tf.moments(i.x!, [0, 1]);
      return [mean, variance];
    },
    gradients: ['x'],
    tolerance: exact * 10,
  },
];

function batchNorm(x: tf.Tensor): tf.Tensor {
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  return x.sub(mean).mul(tf.rsqrt(variance.add(1e-5)));
}
