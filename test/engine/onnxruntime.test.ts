/** What is probed of ONNX Runtime at start-up, and that a step is planned as it should be. */

import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { Graph } from '../../src/engine/graph/ir.ts';
import { depthwiseFilter } from '../../src/engine/graph/kernels/depthwise.ts';
import { openOnnxRuntime } from '../../src/engine/onnxruntime/engine.ts';
import { nchwcAgrees, probeCopyStopper, probeNchwcBlock, probeTarget } from '../../src/engine/onnxruntime/probe.ts';
import { Session } from '../../src/engine/onnxruntime/session.ts';
import { newTensor, OnnxState } from '../../src/engine/onnxruntime/state.ts';
import { planStep } from '../../src/engine/onnxruntime/step.ts';

describe('the block of channels', () => {
  test('found by the probe computes right, another does not', async () => {
    const block = await probeNchwcBlock();
    // No such operators at all is a machine we know nothing of: then grouped convolutions are used, and that is tested elsewhere.
    if (block > 0) expect(await nchwcAgrees(block)).toBe(true);
    expect(await nchwcAgrees(block === 8 ? 16 : 8)).toBe(false);
    expect((await probeTarget()).nchwcBlock).toBe(block);
  });

  test.each([4, 8, 16])(
    'of %i: the filter lies in memory as (blocks, kh, kw, block), padded with zeros',
    async (block) => {
      const [kh, kw, channels] = [3, 2, 20];
      const graph = new Graph();
      const filter = graph.input('filter', 'float32', [kh, kw, channels, 1]);
      const blocked = depthwiseFilter(graph, filter, block);
      graph.output('blocked', blocked);
      const session = await Session.create(graph, { threads: 1, copyStopperMessage: null });
      const data = Float32Array.from({ length: kh * kw * channels }, (_, i) => i + 1);
      const result = newTensor({ shape: blocked.shape, dtype: 'float32' });
      await session.run({ filter: newTensor({ shape: filter.shape, dtype: 'float32' }, data) }, { blocked: result });
      await session.release();
      const padded = Math.ceil(channels / block) * block;
      const expected = Array.from({ length: padded * kh * kw }, (_, i) => {
        const lane = i % block;
        const tap = Math.floor(i / block) % (kh * kw);
        const channel = Math.floor(i / (block * kh * kw)) * block + lane;
        return channel < channels ? data[tap * channels + channel] : 0;
      });
      expect([...(result.data as Float32Array)]).toEqual(expected);
    },
  );
});

test('the runtime pinned here lets copies be avoided', async () => {
  expect(await probeCopyStopper()).toMatch(/./);
});

test('an error of the run itself is not taken for the end of one', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2]);
  graph.output('y', graph.op('Neg', [x], 'float32', [2]));
  const session = await Session.create(graph, { threads: 1, copyStopperMessage: await probeCopyStopper() });
  const wrong = newTensor({ shape: [3], dtype: 'float32' });
  await expect(session.run({ x: wrong }, { y: newTensor({ shape: [2], dtype: 'float32' }) })).rejects.toThrow(/x/);
  await session.release();
});

test('without copies the result is in the array given', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2]);
  graph.output('y', graph.op('Neg', [x], 'float32', [2]));
  const session = await Session.create(graph, { threads: 1, copyStopperMessage: await probeCopyStopper() });
  const y = newTensor({ shape: [2], dtype: 'float32' });
  await session.run({ x: newTensor({ shape: [2], dtype: 'float32' }, Float32Array.of(1, -2)) }, { y });
  expect([...(y.data as Float32Array)]).toEqual([-1, 2]);
  await session.release();
});

describe('the plan', () => {
  const state = new OnnxState(
    { p: { shape: [4] }, g: { shape: [4] }, m: { shape: [4] }, same: { shape: [4] } },
    () => {},
  );
  const target = { nchwcBlock: 0, contrib: true };

  test('of an update: momentum and parameters in place, gradients filled, the rest left alone', () => {
    const { plan } = planStep(
      {
        state,
        uses: ['p', 'g', 'm', 'same'],
        inputs: { rate: { shape: [] } },
        fn: ({ p, g, m, same }, { rate }) => {
          const momentum = m!.mul(0.9).add(g!);
          return {
            state: { p: p!.mul(0.99).sub(momentum.mul(rate!)), m: momentum, g: tf.zerosLike(g!), same: same! },
            out: {},
          };
        },
      },
      target,
    );
    expect(plan).toEqual({ inPlace: ['p', 'm'], swapped: [], filled: [['g', 0]] });
  });

  test('of a step whose output reads the old value: swapped', () => {
    const { plan } = planStep(
      { state, uses: ['p'], inputs: {}, fn: ({ p }) => ({ state: { p: p!.add(1) }, out: { e: p!.exp() } }) },
      target,
    );
    expect(plan).toEqual({ inPlace: [], swapped: ['p'], filled: [] });
  });
});

test('the engine says what it is', async () => {
  const engine = await openOnnxRuntime({ computeThreads: 1 });
  expect(engine.info).toMatchObject({ name: 'onnxruntime', precision: 'FP32' });
  expect(engine.info.versions['onnxruntime-node']).toBe('1.30.0');
  expect(engine.info.device).not.toBe('');
  await engine.dispose();
});
