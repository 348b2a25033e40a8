/** That products are rounded as half precision rounds them, to the bit, and nothing else is. */

import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEager } from '../../src/engine/eager.ts';
import type { Engine, HostArray, StepDefinition, Tensors } from '../../src/engine/engine.ts';
import { openOnnxRuntime } from '../../src/engine/onnxruntime/engine.ts';
import { OnnxState } from '../../src/engine/onnxruntime/state.ts';
import { planStep } from '../../src/engine/onnxruntime/step.ts';
import { linear } from '../../src/engine/ops.ts';
import { draw } from './kernels/case.ts';

/** The nearest value with `digits` binary digits, ties to even; below 2^lowest spaced as there, infinite from `limit` on. */
function nearest(x: number, digits: number, lowest: number, limit: number): number {
  if (!Number.isFinite(x) || x === 0) return x;
  let exponent = Math.max(lowest, Math.floor(Math.log2(Math.abs(x))));
  if (exponent > lowest && 2 ** exponent > Math.abs(x)) exponent--;
  const unit = 2 ** (exponent + 1 - digits);
  const units = Math.abs(x) / unit;
  const below = Math.floor(units);
  const up = units - below > 0.5 || (units - below === 0.5 && below % 2 === 1);
  const value = (up ? below + 1 : below) * unit;
  return Math.sign(x) * (value >= limit ? Number.POSITIVE_INFINITY : value);
}

const halves = [
  { precision: 'FP16', products: 'float16', round: (x: number) => nearest(x, 11, -14, 65536) },
  { precision: 'BF16', products: 'bfloat16', round: (x: number) => nearest(x, 8, -126, 2 ** 128) },
] as const;

const cpu = openEager('cpu', { name: 'tfjs-cpu', device: 'cpu', precision: 'FP32', versions: {} });
afterAll(() => cpu.dispose());

interface Product {
  readonly title: string;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly fn: (inputs: Tensors) => tf.Tensor;
  /** The names whose gradients are products; a bias has a sum for its own. */
  readonly gradients: readonly string[];
}

// At most four products to a sum: those of numbers from 1 to 2 with 11 digits are then exact in float32.
const products: readonly Product[] = [
  {
    title: 'a linear layer',
    shapes: { x: [2, 3], weight: [4, 3], bias: [4] },
    fn: ({ x, weight, bias }) => linear(x!, weight!, bias!),
    gradients: ['x', 'weight'],
  },
  {
    title: 'a batched product',
    shapes: { a: [2, 2, 3], b: [2, 3, 4] },
    fn: ({ a, b }) => tf.matMul(a!, b!),
    gradients: ['a', 'b'],
  },
  {
    title: 'a batched product of transposes',
    shapes: { a: [2, 3, 2], b: [2, 4, 3] },
    fn: ({ a, b }) => tf.matMul(a!, b!, true, true),
    gradients: ['a', 'b'],
  },
  {
    title: 'a convolution',
    shapes: { x: [1, 3, 3, 1], filter: [2, 2, 1, 1] },
    fn: ({ x, filter }) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'valid'),
    gradients: ['x', 'filter'],
  },
  {
    title: 'a convolution of patches',
    shapes: { x: [1, 4, 4, 1], filter: [2, 2, 1, 3] },
    fn: ({ x, filter }) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, 'valid'),
    gradients: ['x', 'filter'],
  },
  {
    title: 'a depthwise convolution',
    shapes: { x: [1, 2, 2, 8], filter: [2, 2, 8, 1] },
    fn: ({ x, filter }) => tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same'),
    gradients: ['x', 'filter'],
  },
];

type Numbers = Record<string, HostArray>;

async function compute(engine: Engine, definition: Omit<StepDefinition, 'state' | 'uses'>, inputs: Numbers) {
  const state = await engine.createState({});
  const step = await engine.compile({ ...definition, uses: [], state });
  const results = structuredClone(await step.run(inputs));
  await step.dispose();
  state.dispose();
  return results;
}

/** Value and gradients of a product for the gradient `dy` of its value. */
function stepOf({ shapes, fn, gradients }: Product, dy: readonly number[]): Omit<StepDefinition, 'state' | 'uses'> {
  const inputs = { ...shapes, dy };
  return {
    inputs: Object.fromEntries(Object.entries(inputs).map(([name, shape]) => [name, { shape }])),
    fn: (_state, { dy, ...given }) => {
      const value = (...variables: tf.Tensor[]) =>
        fn({ ...given, ...Object.fromEntries(gradients.map((name, i) => [name, variables[i]!])) });
      const variables = gradients.map((name) => given[name]!);
      const slopes = tf.grads(value)(variables, dy);
      return {
        out: { value: value(...variables), ...Object.fromEntries(gradients.map((name, i) => [name, slopes[i]!])) },
      };
    },
  };
}

describe.each(halves)('in $precision', ({ precision, products: type, round }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openOnnxRuntime({ computeThreads: 2, precision });
  });
  afterAll(() => engine.dispose());
  const rounded = (numbers: Numbers): Numbers =>
    Object.fromEntries(Object.entries(numbers).map(([name, values]) => [name, (values as Float32Array).map(round)]));

  test('the engine says so', () => {
    expect(engine.info.precision).toBe(precision);
  });

  test.each(products.map((product) => [product.title, product] as const))(
    'operands and results of %s are rounded, sums are not',
    async (_, product) => {
      const tensors = Object.entries(product.shapes).map(([name, shape]) => [name, tf.zeros([...shape])] as const);
      const dyShape = await tf.setBackend('cpu').then(() => product.fn(Object.fromEntries(tensors)).shape);
      const shapes = { ...product.shapes, dy: dyShape };
      const numbers: Numbers = Object.fromEntries(
        Object.entries(shapes).map(([name, shape], i) => [
          name,
          (draw({ shape, values: 'positive' }, i) as Float32Array).map((x) => 1 + (x - 0.2) / 2),
        ]),
      );
      const step = stepOf(product, dyShape);
      const expected = rounded(await compute(cpu, step, rounded(numbers)));
      const unrounded = await compute(cpu, step, numbers);
      const actual = await compute(engine, step, numbers);
      expect(actual).toEqual(expected);
      for (const name of Object.keys(actual)) expect(actual[name], name).not.toEqual(unrounded[name]);
    },
  );

  test('numbers of every size are rounded to the nearest, ties to even', async () => {
    const bits = draw({ shape: [4096], dtype: 'int32', values: 'normal' }, 1).map((_, i) => Math.imul(i, 0x9e3779b1));
    const x = new Float32Array(bits.buffer).map((value) => (Number.isFinite(value) ? value : 0));
    x.set([65504, 65519.99, 65520, -65520, 2 ** -24, 2 ** -25, 1.5 * 2 ** -25, 1 + 2 ** -11, 1 + 3 * 2 ** -11]);
    const { y } = await compute(
      engine,
      { inputs: { x: { shape: [4096, 1] } }, fn: (_, { x }) => ({ out: { y: tf.matMul(x!, tf.ones([1, 1])) } }) },
      { x },
    );
    // A sum begins with 0, so that there is no -0.
    expect(y).toEqual(x.map((value) => round(value) + 0));
  });

  test('all else has the bits of FP32', async () => {
    const plain = await openOnnxRuntime({ computeThreads: 2 });
    const step: Omit<StepDefinition, 'state' | 'uses'> = {
      inputs: { x: { shape: [5, 70] } },
      fn: (_, { x }) => {
        const scaled = x!.mul(12);
        const out = { exp: scaled.exp(), softmax: tf.softmax(scaled), sum: scaled.exp().sum(), mean: scaled.mean(-1) };
        return { out: { ...out, gelu: scaled.erf(), norm: scaled.square().sum(-1).sqrt() } };
      },
    };
    const x = draw({ shape: [5, 70] }, 3);
    expect(await compute(engine, step, { x })).toEqual(await compute(plain, step, { x }));
    await plain.dispose();
  });

  test.each([
    ['moved', 5, (y: tf.Tensor) => y.reshape([4, 2, 3]).transpose([1, 0, 2])],
    ['computed with', 6, (y: tf.Tensor) => y.mul(1 / 3).reshape([2, 4, 3])],
  ] as const)('what a product gives is rounded again only where it was not just %s', (_, count, between) => {
    const shapes = { x: [4, 6], w: [6, 6], v: [2, 6, 3] };
    const { graph } = planStep(
      {
        state: new OnnxState({}, () => {}),
        uses: [],
        inputs: Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }])),
        fn: (_, { x, w, v }) => ({ out: { z: tf.matMul(between(tf.matMul(x!, w!)), v!, false, true) } }),
      },
      { nchwcBlock: 0, contrib: true, products: type },
    );
    // Three operands and two results, and what was computed between.
    expect(graph.liveNodes().filter(({ outputs }) => outputs[0]!.dtype === type)).toHaveLength(count);
  });
});

test('products overflow in FP16 and not in BF16', async () => {
  const values: number[] = [];
  for (const { precision } of halves) {
    const engine = await openOnnxRuntime({ computeThreads: 1, precision });
    const step: Omit<StepDefinition, 'state' | 'uses'> = {
      inputs: { x: { shape: [1, 2] } },
      fn: (_, { x }) => ({ out: { y: tf.matMul(x!, x!, false, true) } }),
    };
    const { y } = await compute(engine, step, { x: Float32Array.of(200, 200) });
    values.push(y![0]!);
    await engine.dispose();
  }
  expect(values).toEqual([Number.POSITIVE_INFINITY, 79872]);
});

test('FP32 graphs have no rounding in them', () => {
  const { graph } = planStep(
    {
      state: new OnnxState({}, () => {}),
      uses: [],
      inputs: { x: { shape: [2, 3] }, w: { shape: [4, 3] } },
      fn: (_, { x, w }) => ({ out: { y: linear(x!, w!) } }),
    },
    { nchwcBlock: 0, contrib: true },
  );
  expect(graph.liveNodes().map(({ op }) => op)).toEqual(['Gemm']);
});
