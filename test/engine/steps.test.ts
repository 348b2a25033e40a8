/** Steps over shared state behave the same on every engine. */

import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEager } from '../../src/engine/eager.ts';
import type { Engine, State, StepDefinition } from '../../src/engine/engine.ts';
import { engines } from './engines.ts';

const floats = (...values: number[]) => Float32Array.from(values);

describe.each(Object.entries(engines))('%s', (_name, open) => {
  let engine: Engine;
  let state: State;
  beforeAll(async () => {
    engine = await open();
  });
  afterAll(() => engine.dispose());

  const stateOf = async (entries: Record<string, number[]>) => {
    state = await engine.createState(
      Object.fromEntries(Object.entries(entries).map(([k, v]) => [k, { shape: [v.length], data: floats(...v) }])),
    );
    return state;
  };
  const values = async (...names: string[]) =>
    Object.fromEntries(await Promise.all(names.map(async (name) => [name, [...(await state.read(name))]])));
  const step = (definition: Omit<StepDefinition, 'state'>) => engine.compile({ ...definition, state });

  test('entries start as given, as zeros otherwise, and can be rewritten', async () => {
    const given = floats(1, 2);
    state = await engine.createState({ p: { shape: [2], data: given }, n: { shape: [2, 2], dtype: 'int32' } });
    given.fill(9);
    expect(await values('p', 'n')).toEqual({ p: [1, 2], n: [0, 0, 0, 0] });
    expect(state.names).toEqual(['p', 'n']);
    expect(state.spec('n')).toEqual({ shape: [2, 2], dtype: 'int32' });
    const copy = await state.read('p');
    copy.fill(0);
    await state.write('n', Int32Array.of(4, 3, 2, 1));
    expect(await values('p', 'n')).toEqual({ p: [1, 2], n: [4, 3, 2, 1] });
  });

  test('a micro-step and an update share the state that both replace', async () => {
    await stateOf({ p: [1, 2], g: [0, 0] });
    const micro = await step({
      uses: ['p', 'g'],
      inputs: { x: { shape: [2] } },
      fn: ({ p, g }, { x }) => {
        const { value, grads } = tf.valueAndGrads((q: tf.Tensor) => q.mul(x!).square().sum())([p!]);
        return { state: { g: g!.add(grads[0]!) }, out: { loss: value } };
      },
    });
    const update = await step({
      uses: ['p', 'g'],
      inputs: { rate: { shape: [] } },
      fn: ({ p, g }, { rate }) => ({ state: { p: p!.sub(g!.mul(rate!)), g: tf.zerosLike(g!) }, out: {} }),
    });
    expect(await micro.run({ x: floats(1, 1) })).toEqual({ loss: floats(5) });
    await micro.run({ x: floats(1, 2) });
    // Gradients 2·p·x²: (2,4) and (2,16).
    expect(await values('p', 'g')).toEqual({ p: [1, 2], g: [4, 20] });
    expect(await update.run({ rate: 0.5 })).toEqual({});
    expect(await values('p', 'g')).toEqual({ p: [-1, -8], g: [0, 0] });
    await micro.run({ x: floats(1, 1) });
    await update.run({ rate: 0.25 });
    expect(await values('p', 'g')).toEqual({ p: [-0.5, -4], g: [0, 0] });
  });

  test('entries that change places, cross or move on keep their values through several steps', async () => {
    await stateOf({ a: [1, 2], b: [10, 20], c: [5, 5] });
    const exchange = await step({
      uses: ['a', 'b'],
      inputs: {},
      fn: ({ a, b }) => ({ state: { a: b!, b: a! }, out: {} }),
    });
    const cross = await step({
      uses: ['a', 'b'],
      inputs: {},
      fn: ({ a, b }) => ({ state: { a: a!.add(b!), b: b!.sub(a!) }, out: { old: a! } }),
    });
    const move = await step({
      uses: ['a', 'c'],
      inputs: {},
      fn: ({ a, c }) => ({ state: { c: a!, a: a! }, out: { c: c! } }),
    });
    await exchange.run({});
    expect(await values('a', 'b')).toEqual({ a: [10, 20], b: [1, 2] });
    expect(await cross.run({})).toEqual({ old: floats(10, 20) });
    expect(await values('a', 'b')).toEqual({ a: [11, 22], b: [-9, -18] });
    await exchange.run({});
    expect(await cross.run({})).toEqual({ old: floats(-9, -18) });
    expect(await values('a', 'b')).toEqual({ a: [2, 4], b: [20, 40] });
    expect(await move.run({})).toEqual({ c: floats(5, 5) });
    expect(await values('a', 'b', 'c')).toEqual({ a: [2, 4], b: [20, 40], c: [2, 4] });
    await state.write('a', floats(7, 7));
    expect(await values('a', 'c')).toEqual({ a: [7, 7], c: [2, 4] });
  });

  test('an old value that others still need is never overwritten early', async () => {
    // Every p' is ready long before the product that needs the old p: in place, this would be wrong.
    const size = 64;
    const matrix = (seed: number) =>
      Float32Array.from({ length: size * size }, (_, i) => Math.sin(i * seed + 1) / size);
    const layers = Array.from({ length: 8 }, (_, i) => `w${i}`);
    state = await engine.createState(
      Object.fromEntries(layers.map((name, i) => [name, { shape: [size, size], data: matrix(i + 1) }])),
    );
    const expected = await Promise.all(layers.map(async (name) => await state.read(name)));
    const descend = await step({
      uses: layers,
      inputs: { x: { shape: [size, size] } },
      fn: (weights, { x }) => {
        const loss = (...ws: tf.Tensor[]) => ws.reduce((y, w) => tf.matMul(y, w).tanh(), x!).sum();
        const { value, grads } = tf.valueAndGrads(loss)(layers.map((name) => weights[name]!));
        return {
          state: Object.fromEntries(layers.map((name, i) => [name, weights[name]!.sub(grads[i]!)])),
          out: { loss: value },
        };
      },
    });
    await descend.run({ x: matrix(0.3) });
    // The same by hand: gradients from the old weights throughout.
    await tf.setBackend('cpu');
    const tensors = expected.map((w) => tf.tensor2d(w as Float32Array, [size, size]));
    const x = tf.tensor2d(matrix(0.3), [size, size]);
    const gradients = tf.grads((...ws: tf.Tensor[]) =>
      ws.reduce((y, w) => tf.matMul(y, w).tanh(), x as tf.Tensor).sum(),
    )(tensors);
    for (const [i, name] of layers.entries()) {
      const wanted = tensors[i]!.sub(gradients[i]!).dataSync();
      const got = await state.read(name);
      expect(Math.max(...got.map((v, k) => Math.abs(v - wanted[k]!))), name).toBeLessThan(1e-5);
    }
  });

  test('a step may replace what it does not read, and only fill', async () => {
    await stateOf({ a: [1, 2], b: [3, 4] });
    const set = await step({
      uses: [],
      inputs: { x: { shape: [2] } },
      fn: (_s, { x }) => ({ state: { a: x!.mul(2) }, out: {} }),
    });
    await set.run({ x: floats(4, 5) });
    expect(await values('a', 'b')).toEqual({ a: [8, 10], b: [3, 4] });
    const clear = await step({ uses: [], inputs: {}, fn: () => ({ state: { b: tf.zeros([2]) }, out: {} }) });
    await clear.run({});
    expect(await values('a', 'b')).toEqual({ a: [8, 10], b: [0, 0] });
  });

  test('one tensor may be several outputs and entries at once', async () => {
    await stateOf({ a: [1, 2], b: [3, 4] });
    const both = await step({
      uses: ['a'],
      inputs: {},
      fn: ({ a }) => {
        const next = a!.mul(3);
        return {
          state: { a: next, b: next },
          out: { first: next, second: next, constant: tf.scalar(7), kept: tf.keep(a!.add(1)) },
        };
      },
    });
    expect(await both.run({})).toEqual({
      first: floats(3, 6),
      second: floats(3, 6),
      constant: floats(7),
      kept: floats(2, 3),
    });
    expect(await values('a', 'b')).toEqual({ a: [3, 6], b: [3, 6] });
    expect(await both.run({})).toMatchObject({ first: floats(9, 18) });
  });

  test('inputs of both types, a number for a scalar, and an input nothing needs', async () => {
    await stateOf({ table: [10, 20, 30] });
    const look = await step({
      uses: ['table'],
      inputs: {
        index: { shape: [2], dtype: 'int32' },
        by: { shape: [] },
        times: { shape: [], dtype: 'int32' },
        extra: { shape: [3] },
      },
      fn: ({ table }, { index, by, times }) => ({
        out: { picked: tf.gather(table!, index as tf.Tensor1D).mul(by!), index: index!.mul(times!) },
      }),
    });
    const given = { index: Int32Array.of(2, 0), by: 0.5, times: 3, extra: new Float32Array(3) };
    expect(await look.run(given)).toEqual({ picked: floats(15, 5), index: Int32Array.of(6, 0) });
  });

  test('the same step from the same state gives the same bits', async () => {
    const size = 96;
    state = await engine.createState({ w: { shape: [size, size] }, filter: { shape: [3, 3, 16, 1] } });
    const run = await step({
      uses: ['w', 'filter'],
      inputs: { x: { shape: [2, 12, 12, 16] } },
      fn: ({ w, filter }, { x }) => {
        const loss = (w: tf.Tensor, filter: tf.Tensor) =>
          tf
            .matMul(tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same').reshape([-1, size]), w)
            .softmax()
            .square()
            .sum();
        const { value, grads } = tf.valueAndGrads(loss)([w!, filter!]);
        return { state: { w: w!.sub(grads[0]!), filter: filter!.sub(grads[1]!) }, out: { loss: value } };
      },
    });
    const noise = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898) * 0.5);
    const once = async () => {
      await state.write('w', noise(size * size));
      await state.write('filter', noise(144));
      const losses: number[] = [];
      for (let i = 0; i < 3; i++) losses.push((await run.run({ x: noise(4608) })).loss![0]!);
      return { losses, ...(await values('w', 'filter')) };
    };
    expect(await once()).toEqual(await once());
  });

  test('hundreds of parameters', async () => {
    const names = Array.from({ length: 300 }, (_, i) => `p${i}`);
    state = await engine.createState(
      Object.fromEntries(names.map((name, i) => [name, { shape: [2], data: floats(i, -i) }])),
    );
    const grow = await step({
      uses: names,
      inputs: { by: { shape: [] } },
      fn: (s, { by }) => ({ state: Object.fromEntries(names.map((n) => [n, s[n]!.add(by!)])), out: {} }),
    });
    await grow.run({ by: 1 });
    await grow.run({ by: 2 });
    expect(await values('p0', 'p299')).toEqual({ p0: [3, 3], p299: [302, -296] });
  });
});

test('an eager engine frees what its steps leave', async () => {
  const engine = openEager('cpu', { name: 'tfjs-cpu', device: 'cpu', precision: 'FP32', versions: {} });
  const state = await engine.createState({ a: { shape: [2] }, b: { shape: [2] } });
  const step = await engine.compile({
    state,
    uses: ['a', 'b'],
    inputs: { x: { shape: [2] } },
    fn: ({ a, b }, { x }) => ({ state: { a: tf.keep(a!.add(x!)), b: b! }, out: { a: a!, x: x!.mul(2) } }),
  });
  await step.run({ x: new Float32Array(2) });
  const before = tf.memory().numTensors;
  for (let i = 0; i < 5; i++) await step.run({ x: new Float32Array(2) });
  expect(tf.memory().numTensors).toBe(before);
  await engine.dispose();
  expect(tf.memory().numTensors).toBe(before - 2);
});
