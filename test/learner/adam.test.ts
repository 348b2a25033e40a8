import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { createAdam, gradientOf, trainingEntries } from '../../src/learner/adam.ts';
import type { ModelParameter } from '../../src/models/parameters.ts';
import { excess, goldenJson, goldenTensors, maxDifference } from '../models/goldenFiles.ts';
import { engines } from './engines.ts';

const golden = goldenJson('fastai/adam');

describe.each(engines)('Adam on $name', ({ create }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await create();
  });
  afterAll(() => engine.dispose());

  it('follows fastai over ten steps, with a gradient that begins late and one that never comes', async () => {
    const tensors = await goldenTensors('fastai/adam');
    const parameters = (golden.groups as string[][]).flatMap((names, group) =>
      names.map(
        (name): ModelParameter => ({
          name,
          shape: tensors.shape(`init.${name}`),
          init: { kind: 'constant', value: 0 },
          norm: !golden.do_wd[name],
          used: true,
          group: group as 0 | 1,
        }),
      ),
    );
    const state = await engine.createState(
      Object.assign(
        {},
        ...parameters.map((p) => ({
          [p.name]: { shape: p.shape, data: tensors.float(`init.${p.name}`) },
          ...trainingEntries(p),
        })),
      ),
    );
    const isLate = (p: ModelParameter) => p.name === 'late_w';
    const early = parameters.filter((p) => !isLate(p) && p.name !== 'unused_w');
    const adam = await createAdam(engine, state, early, golden.wd);
    const lateAdam = await createAdam(engine, state, parameters.filter(isLate), golden.wd);
    for (const { step, lr, mom } of golden.steps) {
      const present = parameters.filter((p) => tensors.names.includes(`grad.${step}.${p.name}`));
      for (const { name } of present) await state.write(gradientOf(name), tensors.float(`grad.${step}.${name}`));
      await adam.step({ learningRates: lr, momentum: mom });
      if (present.some(isLate)) await lateAdam.step({ learningRates: lr, momentum: mom });
      for (const { name } of present) {
        const expected = tensors.float(`param.${step}.${name}`);
        expect(excess(await state.read(name), expected, 1e-6, 1e-5), `${name} after step ${step}`).toBeLessThan(1);
        expect(maxDifference(await state.read(gradientOf(name)), new Float32Array(expected.length))).toBe(0);
      }
    }
    expect(await state.read('unused_w')).toEqual(tensors.float('final_param.unused_w'));
    // The moments are kept divided by (1 - mom) and (1 - sqr_mom).
    const { mom } = golden.steps.at(-1);
    const moments = parameters.filter((p) => tensors.names.includes(`final_grad_avg.${p.name}`));
    expect(moments.map((p) => p.name)).toEqual(parameters.flatMap(({ name }) => (name === 'unused_w' ? [] : [name])));
    for (const { name } of moments) {
      const scaled = async (entry: string, factor: number) => (await state.read(entry)).map((value) => value * factor);
      const mean = await scaled(`mean/${name}`, 1 - mom);
      const square = await scaled(`square/${name}`, 1 - golden.sqr_mom);
      expect(excess(mean, tensors.float(`final_grad_avg.${name}`), 1e-6, 1e-5), name).toBeLessThan(1);
      expect(excess(square, tensors.float(`final_sqr_avg.${name}`), 1e-6, 1e-5), name).toBeLessThan(1);
    }
    await adam.dispose();
    await lateAdam.dispose();
    state.dispose();
  });

  it('starts afresh over moments that another optimiser left behind', async () => {
    const p: ModelParameter = {
      name: 'w',
      shape: [2],
      init: { kind: 'constant', value: 1 },
      norm: false,
      used: true,
      group: 1,
    };
    const state = await engine.createState({ w: { shape: [2], data: Float32Array.of(1, 1) }, ...trainingEntries(p) });
    const rates = { learningRates: [0.1, 0.1], momentum: 0.9 };
    const firstStep = async (): Promise<number[]> => {
      const adam = await createAdam(engine, state, [p], 0);
      await state.write('w', Float32Array.of(1, 1));
      await state.write(gradientOf('w'), Float32Array.of(1, -2));
      await adam.step(rates);
      const after = [...(await state.read('w'))];
      await adam.step(rates);
      await adam.dispose();
      return after;
    };
    const first = await firstStep();
    expect(first[0]).toBeCloseTo(0.9, 5);
    expect(await firstStep()).toEqual(first);
    state.dispose();
  });
});
