import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Tensors } from '../../src/engine/engine.ts';
import { crossEntropy } from '../../src/engine/ops.ts';
import { head, pool } from '../../src/models/head.ts';
import { weightsOf } from '../../src/models/parameters.ts';
import { engines } from '../learner/engines.ts';
import { excess, type GoldenTensors, goldenJson, goldenTensors } from './goldenFiles.ts';

const { cases } = goldenJson('fastai/head');

/** Our names and the fixture's. */
const parameterKeys: Record<string, string> = {
  'bn1.weight': 'bn1_w',
  'bn1.bias': 'bn1_b',
  'linear1.weight': 'lin1',
  'bn2.weight': 'bn2_w',
  'bn2.bias': 'bn2_b',
  'linear2.weight': 'lin2',
};
const bufferKeys: Record<string, string> = {
  'bn1.running_mean': 'run_mean1',
  'bn1.running_var': 'run_var1',
  'bn2.running_mean': 'run_mean2',
  'bn2.running_var': 'run_var2',
};

describe.each(engines)('the head on $name', ({ create }) => {
  let engine: Engine;
  let golden: GoldenTensors;
  beforeAll(async () => {
    engine = await create();
    golden = await goldenTensors('fastai/head');
  });
  afterAll(() => engine.dispose());

  it.each(Object.keys(cases))('follows fastai: %s', async (name) => {
    const value = (key: string) => golden.float(`${name}.${key}`);
    const shape = (key: string) => golden.shape(`${name}.${key}`);
    const [inputs] = shape('bn1_w') as [number];
    const [hidden] = shape('bn2_w') as [number];
    const [n, classes] = shape('train_logits') as [number, number];
    const sizes = { inputs, hidden, classes };
    const isMap = shape('x').length === 4;
    const [, c, h, w] = shape('x') as [number, number, number, number];
    const net = head(sizes);
    const entries = [...net.parameters, ...net.buffers].map((e) => {
      const key = parameterKeys[e.name] ?? bufferKeys[e.name]!;
      expect(e.shape).toEqual(shape(key));
      return [e.name, { shape: e.shape, data: value(key) }] as const;
    });
    const state = await engine.createState(Object.fromEntries(entries));
    const names = Object.keys(parameterKeys);
    const x = isMap ? golden.nhwc(`${name}.x`) : value('x');
    const xSpec = { shape: isMap ? [n, h, w, c] : [n, c] };

    const evaluate = await engine.compile({
      state,
      uses: entries.map(([key]) => key),
      inputs: { x: xSpec },
      fn: (tensors, { x }) => ({ out: { logits: net.forward(weightsOf(tensors), pool(x!)).logits } }),
    });
    const evalLogits = async () => (await evaluate.run({ x })).logits!;
    expect(excess(await evalLogits(), value('eval_logits_before'), 1e-5, 1e-4)).toBeLessThan(1);

    const train = await engine.compile({
      state,
      uses: entries.map(([key]) => key),
      inputs: {
        x: xSpec,
        labels: { shape: [n], dtype: 'int32' },
        dropout1: { shape: [n, inputs] },
        dropout2: { shape: [n, hidden] },
      },
      fn: (tensors, { x, labels, dropout1, dropout2 }) => {
        let buffers: Tensors = {};
        let logits: tf.Tensor | undefined;
        const { value: loss, grads } = tf.valueAndGrads((features: tf.Tensor) => {
          const result = net.forward(weightsOf(tensors), pool(features), {
            dropout1: dropout1!,
            dropout2: dropout2!,
          });
          buffers = result.buffers;
          Object.values(buffers).forEach(tf.keep);
          logits = tf.keep(result.logits);
          return crossEntropy(result.logits, labels!);
        })([x!, ...names.map((key) => tensors[key]!)]);
        return {
          state: buffers,
          out: { loss, logits: logits!, x: grads[0]!, ...Object.fromEntries(names.map((k, i) => [k, grads[i + 1]!])) },
        };
      },
    });
    const out = await train.run({
      x,
      labels: golden.int(`${name}.y`),
      dropout1: value('keep1').map((bit) => bit / net.masks[0]!.keep),
      dropout2: value('keep2').map((bit) => bit / net.masks[1]!.keep),
    });
    expect(out.loss![0]).toBeCloseTo(cases[name].loss, 5);
    expect(excess(out.logits!, value('train_logits'), 1e-5, 1e-4)).toBeLessThan(1);
    for (const key of names) {
      expect(excess(out[key]!, value(`grad.${parameterKeys[key]}`), 1e-5, 1e-4), key).toBeLessThan(1);
    }
    expect(excess(out.x!, isMap ? golden.nhwc(`${name}.grad_x`) : value('grad_x'), 1e-5, 1e-4)).toBeLessThan(1);
    for (const [ours, theirs] of Object.entries(bufferKeys)) {
      expect(excess(await state.read(ours), value(`new_${theirs}`), 1e-5, 1e-4), ours).toBeLessThan(1);
    }
    expect(excess(await evalLogits(), value('eval_logits_after'), 1e-5, 1e-4)).toBeLessThan(1);
    await train.dispose();
    await evaluate.dispose();
    state.dispose();
  });
});
