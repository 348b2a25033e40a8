import * as tf from '@tensorflow/tfjs-core';
import { exact, type InputSpec, type KernelCase } from './case.ts';

type BinaryOp = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
type UnaryOp = (x: tf.Tensor) => tf.Tensor;

const pairs: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [3, 5],
    [3, 5],
  ],
  [[3, 5], [5]],
  [
    [3, 1, 5],
    [4, 1],
  ],
  [[], [2, 3]],
  [[7], [1]],
];

/** Kernels whose gradients tfjs-core itself gives only for operands of equal shapes. */
const noBroadcastGradient = new Set(['Maximum', 'Minimum', 'SquaredDifference']);

/** Value and gradient of a float operator over every pair of shapes. */
const arithmetic = (
  kernel: string,
  fn: BinaryOp,
  a: InputSpec['values'] = 'normal',
  b: InputSpec['values'] = 'normal',
): KernelCase[] =>
  pairs.map(([left, right]) => ({
    kernel,
    title: `(${left}) and (${right})`,
    inputs: { a: { shape: left, values: a }, b: { shape: right, values: b } },
    fn: (i) => fn(i.a!, i.b!),
    gradients: noBroadcastGradient.has(kernel) && `${left}` !== `${right}` ? [] : ['a', 'b'],
    tolerance: exact,
  }));

const integer = (kernel: string, fn: BinaryOp): KernelCase => ({
  kernel,
  title: 'of integers',
  inputs: { a: { shape: [4, 3], dtype: 'int32' }, b: { shape: [3], dtype: 'int32' } },
  fn: (i) => fn(i.a!, i.b!),
  gradients: [],
  tolerance: 0,
});

const comparison = (kernel: string, fn: BinaryOp): KernelCase[] =>
  (['float32', 'int32'] as const).map((dtype) => ({
    kernel,
    title: `of ${dtype}, with ties`,
    inputs: { a: { shape: [5, 7], dtype, values: 'integers' }, b: { shape: [7], dtype, values: 'integers' } },
    fn: (i) => fn(i.a!, i.b!).cast('int32'),
    gradients: [],
    tolerance: 0,
  }));

const logical = (kernel: string, fn: BinaryOp): KernelCase => ({
  kernel,
  title: 'of booleans',
  inputs: { a: { shape: [5, 3] }, b: { shape: [5, 3] } },
  fn: (i) => fn(i.a!.greater(0), i.b!.greater(0)).cast('float32'),
  gradients: [],
  tolerance: 0,
});

const unary = (
  kernel: string,
  fn: UnaryOp,
  {
    values = 'normal',
    tolerance = exact,
    differentiable = true,
  }: Partial<{
    values: NonNullable<InputSpec['values']>;
    tolerance: number;
    differentiable: boolean;
  }> = {},
): KernelCase => ({
  kernel,
  title: `of ${typeof values === 'string' ? values : 'chosen'} numbers`,
  inputs: { x: { shape: [3, 11], values } },
  fn: (i) => fn(i.x!),
  gradients: differentiable ? ['x'] : [],
  tolerance,
});

export const elementwiseCases: readonly KernelCase[] = [
  ...arithmetic('Add', tf.add),
  ...arithmetic('Sub', tf.sub),
  ...arithmetic('Multiply', tf.mul),
  ...arithmetic('RealDiv', tf.div, 'normal', 'positive'),
  ...arithmetic('Maximum', tf.maximum),
  ...arithmetic('Maximum', tf.maximum, 'integers', 'integers'),
  ...arithmetic('Minimum', tf.minimum),
  ...arithmetic('Pow', tf.pow, 'positive', 'normal'),
  ...arithmetic('SquaredDifference', tf.squaredDifference),
  integer('Add', tf.add),
  integer('Sub', tf.sub),
  integer('Multiply', tf.mul),
  integer('Maximum', tf.maximum),
  integer('Minimum', tf.minimum),
  {
    kernel: 'AddN',
    title: 'of three',
    inputs: { a: { shape: [2, 3] }, b: { shape: [2, 3] }, c: { shape: [2, 3] } },
    fn: (i) => tf.addN([i.a!, i.b!, i.c!]),
    gradients: ['a', 'b', 'c'],
    tolerance: exact,
  },
  ...comparison('Equal', tf.equal),
  ...comparison('NotEqual', tf.notEqual),
  ...comparison('Greater', tf.greater),
  ...comparison('GreaterEqual', tf.greaterEqual),
  ...comparison('Less', tf.less),
  ...comparison('LessEqual', tf.lessEqual),
  logical('LogicalAnd', tf.logicalAnd),
  logical('LogicalOr', tf.logicalOr),
  logical('LogicalNot', (a, b) => tf.logicalAnd(tf.logicalNot(a), b)),
  {
    kernel: 'Select',
    title: 'broadcasting the condition',
    inputs: { c: { shape: [4, 1] }, t: { shape: [4, 3] }, e: { shape: [3] } },
    fn: (i) => tf.where(i.c!.greater(0), i.t!, i.e!),
    gradients: ['t', 'e'],
    tolerance: exact,
  },
  {
    kernel: 'Select',
    title: 'between constants',
    inputs: { c: { shape: [4, 3] } },
    fn: (i) => tf.where(i.c!.greater(0), tf.zerosLike(i.c!), tf.fill([4, 3], -100)),
    gradients: [],
    tolerance: 0,
  },
  unary('Neg', tf.neg),
  unary('Abs', tf.abs),
  unary('Abs', tf.abs, { values: 'integers' }),
  unary('Sign', tf.sign, { values: 'integers' }),
  unary('Floor', tf.floor),
  unary('Ceil', tf.ceil),
  unary('Sqrt', tf.sqrt, { values: 'positive' }),
  unary('Square', tf.square),
  unary('Rsqrt', tf.rsqrt, { values: 'positive', tolerance: 5e-6 }),
  unary('Reciprocal', tf.reciprocal, { values: 'positive', tolerance: 5e-6 }),
  unary('Exp', tf.exp, { tolerance: 5e-6 }),
  unary('Log', tf.log, { values: 'positive' }),
  // tfjs' own erf is an approximation good to 1.5e-7.
  unary('Erf', tf.erf, { tolerance: 2e-6 }),
  unary('Sin', tf.sin),
  unary('Cos', tf.cos),
  unary('Tanh', tf.tanh),
  unary('Sigmoid', tf.sigmoid),
  unary('Relu', tf.relu),
  unary('Relu', tf.relu, { values: 'integers' }),
  unary('Softplus', tf.softplus),
  unary('Step', (x) => tf.step(x), { differentiable: false }),
  unary('Step', (x) => tf.step(x, -0.5), { values: 'special', differentiable: false }),
  unary('ClipByValue', (x) => tf.clipByValue(x, -0.5, 0.75)),
  unary('IsNan', (x) => tf.isNaN(x).cast('int32'), { values: 'special', differentiable: false }),
  unary('IsInf', (x) => tf.isInf(x).cast('int32'), { values: 'special', differentiable: false }),
  unary('IsFinite', (x) => tf.isFinite(x).cast('int32'), { values: 'special', differentiable: false }),
  unary('Cast', (x) => x.mul(3).cast('int32'), { differentiable: false }),
  unary('Cast', (x) => x.cast('bool').cast('float32'), { values: 'integers', differentiable: false }),
  unary('Identity', (x) => tf.clone(x).mul(2)),
];
