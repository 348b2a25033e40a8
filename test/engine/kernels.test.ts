/** Every kernel of the lowering table against tfjs' own CPU backend: value and gradient. */

import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEager } from '../../src/engine/eager.ts';
import type { Engine, HostArray, StepDefinition, Tensors } from '../../src/engine/engine.ts';
import { kernels } from '../../src/engine/graph/kernels/table.ts';
import { openOnnxRuntime } from '../../src/engine/onnxruntime/engine.ts';
import { probeTarget } from '../../src/engine/onnxruntime/probe.ts';
import { loadTensorFlow, openTensorFlow, type TensorFlow } from '../../src/engine/tensorflow.ts';
import { messageOf } from '../../src/errors.ts';
import { draw, type KernelCase } from './kernels/case.ts';
import { elementwiseCases } from './kernels/elementwiseCases.ts';
import { depthwiseCases, productCases } from './kernels/productCases.ts';
import { reduceCases } from './kernels/reduceCases.ts';
import { shapeCases } from './kernels/shapeCases.ts';

const cases = [...elementwiseCases, ...shapeCases, ...reduceCases, ...productCases];
/** Kernels tfjs' CPU backend does not have: compared with their formula. */
const ours = new Set(['LayerNormalization', 'Gelu']);

const cpu = openEager('cpu', { name: 'tfjs-cpu', device: 'cpu', precision: 'FP32', versions: {} });
let compiled: Engine;
beforeAll(async () => {
  compiled = await openOnnxRuntime({ computeThreads: 2 });
});
afterAll(async () => {
  await compiled.dispose();
  await cpu.dispose();
});

/** The step of a case: its values and the gradients of the sum of their sines (so that every element has another slope). */
function stepOf({ inputs, gradients }: KernelCase, fn: KernelCase['fn']): Omit<StepDefinition, 'state'> {
  const list = (tensors: Tensors) => [fn(tensors)].flat();
  return {
    uses: [],
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, { shape, dtype = 'float32' }]) => [name, { shape, dtype }]),
    ),
    fn: (_state, given) => {
      const out: Tensors = {};
      list(given).forEach((value, i) => {
        out[`value ${i}`] = value;
      });
      if (gradients.length === 0) return { out };
      const loss = (...variables: tf.Tensor[]) => {
        const named = { ...given, ...Object.fromEntries(gradients.map((name, i) => [name, variables[i]!])) };
        return tf.addN(list(named).map((value) => value.sin().sum()));
      };
      tf.grads(loss)(gradients.map((name) => given[name]!)).forEach((gradient, i) => {
        out[`gradient of ${gradients[i]}`] = gradient;
      });
      return { out };
    },
  };
}

const numbersOf = (c: KernelCase): Record<string, HostArray> =>
  Object.fromEntries(Object.entries(c.inputs).map(([name, spec], i) => [name, draw(spec, 17 + i)]));

async function compute(engine: Engine, c: KernelCase, fn: KernelCase['fn']): Promise<Record<string, HostArray>> {
  const state = await engine.createState({});
  const step = await engine.compile({ ...stepOf(c, fn), state });
  const results = await step.run(numbersOf(c));
  await step.dispose();
  state.dispose();
  return results;
}

function expectClose(actual: Record<string, HostArray>, expected: Record<string, HostArray>, tolerance: number): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, values] of Object.entries(expected)) {
    const got = actual[name]!;
    expect(got.length, name).toBe(values.length);
    values.forEach((value, i) => {
      const difference = Math.abs(got[i]! - value);
      if (Object.is(got[i], value) || difference === 0 || difference <= tolerance * (1 + Math.abs(value))) return;
      expect.fail(`${name}[${i}] is ${got[i]}, tfjs' CPU backend says ${value}`);
    });
  }
}

const kernelsOf = (c: KernelCase): Promise<readonly string[]> => {
  const tensors = Object.fromEntries(
    Object.entries(c.inputs).map(([name, spec], i) => [name, tf.tensor(draw(spec, i), [...spec.shape], spec.dtype)]),
  );
  return tf.profile(() => Object.values(stepOf(c, c.fn).fn({}, tensors).out)).then(({ kernelNames }) => kernelNames);
};

test.each(cases.map((c) => [`${c.kernel} ${c.title}`, c] as const))('%s', async (_title, c) => {
  expectClose(await compute(compiled, c, c.fn), await compute(cpu, c, c.formula ?? c.fn), c.tolerance);
  if (c.formula) expectClose(await compute(cpu, c, c.fn), await compute(cpu, c, c.formula), c.tolerance);
});

const tensorflow = loadTensorFlow({}, 2);
test.skipIf(typeof tensorflow === 'string')('the eager TensorFlow engine computes every case too', async () => {
  const engine = await openTensorFlow(tensorflow as TensorFlow);
  const failures: string[] = [];
  for (const c of cases)
    try {
      expectClose(await compute(engine, c, c.fn), await compute(cpu, c, c.formula ?? c.fn), c.tolerance);
    } catch (error) {
      failures.push(`${c.kernel} ${c.title}: ${messageOf(error)}`);
    }
  await engine.dispose();
  expect(failures).toEqual([]);
});

test('every kernel of the table has a case', () => {
  const covered = new Set(cases.flatMap((c) => [c.kernel, ...(c.reaches ?? [])]));
  expect(Object.keys(kernels).filter((kernel) => !covered.has(kernel))).toEqual([]);
});

test('each case runs the kernels it claims to', async () => {
  await tf.setBackend('cpu');
  const missing: string[] = [];
  for (const c of cases) {
    const run = await kernelsOf(c);
    for (const kernel of [c.kernel, ...(c.reaches ?? [])])
      if (!ours.has(kernel) && !run.includes(kernel)) missing.push(`${c.kernel} ${c.title}: ${kernel}`);
  }
  expect(missing).toEqual([]);
});

describe('a depthwise convolution', () => {
  const targets = {
    'grouped Conv': { nchwcBlock: 0, contrib: true },
    'without contrib': { nchwcBlock: 0, contrib: false },
  };
  test.each(Object.entries(targets))('lowered to %s is the same', async (_name, target) => {
    const engine = await openOnnxRuntime({ computeThreads: 2, target });
    for (const c of depthwiseCases)
      expectClose(await compute(engine, c, c.fn), await compute(cpu, c, c.fn), c.tolerance);
    await engine.dispose();
  });
});

test('batched products without com.microsoft operators are the same', async () => {
  const engine = await openOnnxRuntime({ computeThreads: 2, target: { ...(await probeTarget()), contrib: false } });
  for (const c of productCases.filter((c) => c.kernel === 'BatchMatMul'))
    expectClose(await compute(engine, c, c.fn), await compute(cpu, c, c.fn), c.tolerance);
  await engine.dispose();
});
