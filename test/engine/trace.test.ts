/** What a compiled step may not do, and what it says then. */

import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Tensors } from '../../src/engine/engine.ts';
import { trace } from '../../src/engine/graph/trace.ts';

const target = { nchwcBlock: 0, contrib: true };
const traced = (fn: (x: tf.Tensor) => tf.Tensor) =>
  trace(({ x }: Tensors) => ({ y: fn(x!) }), { x: { shape: [4, 2] } }, target);

beforeEach(async () => {
  await tf.setBackend('cpu');
});

test('the value of a tensor', () => {
  expect(() => traced((x) => x.mul(x.dataSync()[0]!))).toThrow(
    /needs the value of a tensor.*pass what is needed as an input/,
  );
  expect(() => traced((x) => x.mul(x.arraySync() as never))).toThrow(/needs the value of a tensor/);
});

test('an op that needs values by itself is named', () => {
  expect(() => traced((x) => tf.unique(x.reshape([8])).values)).toThrow(/Unique/);
  expect(() => traced((x) => x.where(tf.tensor1d(x.dataSync()).greater(0), x))).toThrow(/needs the value/);
});

describe.each<[string, (x: tf.Tensor) => tf.Tensor]>([
  ['tf.randomNormal', (x) => x.add(tf.randomNormal([4, 2]))],
  ['tf.randomNormal', (x) => x.add(tf.randomNormal([4, 2], 0, 1, 'float32', 7))],
  ['tf.randomUniform', (x) => x.add(tf.randomUniform([4, 2]))],
  ['tf.truncatedNormal', (x) => x.add(tf.truncatedNormal([4, 2]))],
  ['tf.dropout', (x) => tf.dropout(x, 0.5)],
  ['tf.dropout', (x) => tf.dropout(x, 0.5, undefined, 3)],
])('%s', (name, fn) => {
  test('is refused', () => {
    expect(() => traced(fn)).toThrow(new RegExp(`^${name} inside a compiled step.*pass them as an input`));
  });
});

test('numbers drawn by the function itself', () => {
  expect(() => traced((x) => x.mul(Math.random()))).toThrow(/^Math.random inside a compiled step/);
});

test('a kernel without lowering is named', () => {
  expect(() => traced((x) => tf.cumsum(x, 0))).toThrow(/The tfjs kernel Cumsum cannot be compiled/);
});

test('options a lowering does not have are named', () => {
  const image = (x: tf.Tensor) => x.reshape<tf.Tensor4D>([1, 2, 2, 2]);
  expect(() => traced((x) => tf.depthwiseConv2d(image(x), tf.ones<tf.Rank.R4>([1, 1, 2, 1]), 2, 'same'))).toThrow(
    /stride 1, dilation 1/,
  );
  expect(() =>
    traced((x) => tf.fused.matMul({ a: x as tf.Tensor2D, b: x as tf.Tensor2D, transposeB: true, activation: 'relu' })),
  ).toThrow(/activation relu/);
});

test('a step compiled inside another', () => {
  expect(() =>
    traced((x) => {
      traced((y) => y);
      return x;
    }),
  ).toThrow(/inside the function of another/);
});

test('whatever happens, the backend and Math.random are as before', () => {
  const { random } = Math;
  traced((x) => x.add(1));
  expect(() =>
    traced(() => {
      throw new Error('mine');
    }),
  ).toThrow('mine');
  expect(Math.random).toBe(random);
  expect(tf.getBackend()).toBe('cpu');
  expect(tf.add(1, 2).dataSync()[0]).toBe(3);
});

test('arrays of one number are one number', () => {
  const graph = traced((x) =>
    x
      .mul(tf.ones([4, 2]))
      .add(tf.zeros([4, 2]))
      .mul(tf.fill([4, 2], 3)),
  );
  expect(graph.liveNodes().map(({ op }) => op)).toEqual(['Mul']);
  expect(graph.liveNodes()[0]?.inputs.flatMap(({ data }) => (data ? [...data] : []))).toEqual([3]);
});
