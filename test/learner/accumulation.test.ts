import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { createSampleCounter, type SampleCounter } from '../../src/learner/accumulation.ts';
import { type Adam, createAdam, gradientOf, trainingEntries } from '../../src/learner/adam.ts';
import { compileMicroStep } from '../../src/learner/steps.ts';
import { excess, type GoldenTensors, goldenJson, goldenTensors } from '../models/goldenFiles.ts';
import { engines } from './engines.ts';
import { softmaxRegression } from './softmaxRegression.ts';

const golden = goldenJson('fastai/grad_accum');
const scenarios = Object.keys(golden.scenarios);
const tolerance = [1e-6, 1e-5] as const;

describe.each(engines)('gradient accumulation on $name', ({ create }) => {
  let engine: Engine;
  let data: GoldenTensors;
  beforeAll(async () => {
    engine = await create();
    data = await goldenTensors('fastai/grad_accum');
  });
  afterAll(() => engine.dispose());

  it.each(scenarios)('follows fastai: %s', async (name) => {
    const { n_acc, lr, mom, wd, micro_batches, total_steps } = golden.scenarios[name];
    const X = data.float('X');
    const y = data.int('y');
    const [samples, features] = data.shape('X') as [number, number];
    const model = softmaxRegression(features, data.shape('W0')[0]!);
    const state = await engine.createState({
      weight: { shape: data.shape('W0'), data: data.float('W0') },
      bias: { shape: data.shape('b0'), data: data.float('b0') },
      ...Object.assign({}, ...model.parameters.map(trainingEntries)),
    });
    const check = async (entry: string, key: string) =>
      expect(excess(await state.read(entry), data.float(`${name}.${key}`), ...tolerance), key).toBeLessThan(1);
    let fit = -1;
    let counter: SampleCounter | undefined;
    let adam: Adam | undefined;
    let steps = 0;
    for (const micro of micro_batches) {
      if (micro.fit !== fit) {
        fit = micro.fit;
        counter = createSampleCounter(n_acc);
        await adam?.dispose();
        adam = await createAdam(engine, state, model.parameters, wd);
      }
      const rows = Array.from({ length: micro.bs }, (_, i) => (micro.first_index + i) % samples);
      const step = await compileMicroStep(engine, state, model, model.parameters, micro.bs, n_acc);
      const { loss } = await step.run({
        inputs: Float32Array.from(rows.flatMap((r) => [...X.subarray(r * features, (r + 1) * features)])),
        labels: Int32Array.from(rows, (r) => y[r]!),
      });
      expect(loss![0]).toBeCloseTo(micro.loss, 5);
      await step.dispose();
      const stepped = counter!.add(micro.bs);
      expect(stepped).toBe(micro.stepped);
      if (!stepped) continue;
      await check(gradientOf('weight'), `step${micro.step}.gradW`);
      await check(gradientOf('bias'), `step${micro.step}.gradb`);
      await adam!.step({ learningRates: [lr, lr], momentum: mom });
      await check('weight', `step${micro.step}.W`);
      await check('bias', `step${micro.step}.b`);
      steps++;
    }
    expect(steps).toBe(total_steps);
    if (data.names.includes(`${name}.leftover_gradW`)) await check(gradientOf('weight'), 'leftover_gradW');
    await adam?.dispose();
    state.dispose();
  });
});
