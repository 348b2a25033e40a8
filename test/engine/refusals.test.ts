/** What steps refuse, the same on every engine, leaving the state as it was. */

import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

  const identity: Omit<StepDefinition, 'state'> = {
    uses: ['a'],
    inputs: { x: { shape: [2] } },
    fn: ({ a }, { x }) => ({ state: { a: a!.add(x!) }, out: {} }),
  };
  /** Compiles and runs: an eager engine sees what `fn` returns only when it runs. */
  const attempt = async (definition: Omit<StepDefinition, 'state'>, inputs = {}) =>
    (await step(definition)).run(inputs);

  test('unknown entries, other shapes and types of entries', async () => {
    await stateOf({ a: [1, 2] });
    await expect(attempt({ ...identity, uses: ['b'] })).rejects.toThrow(
      'The step uses b, which its state does not have',
    );
    const replacing = (state: Record<string, tf.Tensor>) => ({
      uses: [],
      inputs: {},
      fn: () => ({ state, out: {} }),
    });
    const lazily = (make: () => Record<string, tf.Tensor>) => ({
      ...replacing({}),
      fn: () => ({ state: make(), out: {} }),
    });
    await expect(attempt(lazily(() => ({ b: tf.zeros([2]) })))).rejects.toThrow(
      'replaces b, which its state does not have',
    );
    await expect(attempt(lazily(() => ({ a: tf.zeros([3]) })))).rejects.toThrow(
      'a, which is float32 (2), with float32 (3)',
    );
    await expect(attempt(lazily(() => ({ a: tf.zeros([2], 'int32') })))).rejects.toThrow('with int32 (2)');
    const bool = { uses: [], inputs: {}, fn: () => ({ out: { y: tf.zeros([1]).greater(0) } }) };
    await expect(attempt(bool)).rejects.toThrow('out.y is bool: cast it');
    expect(await values('a')).toEqual({ a: [1, 2] });
  });

  test('inputs that are missing, unknown or do not fit', async () => {
    await stateOf({ a: [1, 2] });
    const run = await step(identity);
    await expect(run.run({})).rejects.toThrow('input x is missing');
    await expect(run.run({ x: floats(1, 1), y: 1 })).rejects.toThrow('no input y');
    await expect(run.run({ x: floats(1) })).rejects.toThrow(
      'input x is float32 (2): it takes Float32Array of 2, got Float32Array of 1',
    );
    await expect(run.run({ x: Int32Array.of(1, 1) })).rejects.toThrow('got Int32Array of 2');
    await expect(run.run({ x: 1 })).rejects.toThrow('got Float32Array of 1');
    await expect(state.write('a', floats(1))).rejects.toThrow('a is float32 (2)');
    expect(await values('a')).toEqual({ a: [1, 2] });
  });

  test('two steps at once over one state', async () => {
    await stateOf({ a: [1, 2] });
    const run = await step(identity);
    const first = run.run({ x: floats(1, 1) });
    await expect(run.run({ x: floats(1, 1) })).rejects.toThrow('await it before starting the next');
    await first;
    await run.run({ x: floats(1, 1) });
    expect(await values('a')).toEqual({ a: [3, 4] });
  });

  test('what was disposed, and states of another engine', async () => {
    await stateOf({ a: [1, 2] });
    const run = await step(identity);
    await run.dispose();
    await run.dispose();
    await expect(run.run({ x: floats(1, 1) })).rejects.toThrow('The step was disposed');
    state.dispose();
    await expect(state.read('a')).rejects.toThrow('disposed');
    const other = await open();
    const foreign = await other.createState({ a: { shape: [2] } });
    await expect(engine.compile({ ...identity, state: foreign })).rejects.toThrow('a state of another engine');
    await other.dispose();
    await expect(foreign.read('a')).rejects.toThrow('disposed');
  });
});
