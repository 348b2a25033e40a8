/** What a step does before it trusts gradients of a scaled loss. */

import * as tf from '@tensorflow/tfjs-core';
import type { Engine, State } from '../engine/engine.ts';
import type { ModelParameter } from '../models/parameters.ts';
import { gradientOf } from './adam.ts';

export interface GradientGuard {
  /** Whether every gradient in the buffers is finite. When one is not, all are cleared. */
  passes(): Promise<boolean>;
  dispose(): Promise<void>;
}

/** Guards the gradient buffers of `parameters`. */
export async function createGradientGuard(
  engine: Engine,
  state: State,
  parameters: readonly ModelParameter[],
): Promise<GradientGuard> {
  const uses = parameters.map(({ name }) => gradientOf(name));
  const check = await engine.compile({
    state,
    uses,
    inputs: {},
    // 0 · g is 0, but NaN for an infinite or undefined g.
    fn: (gradients) => ({ out: { zero: tf.addN(uses.map((name) => gradients[name]!.mul(0).sum())) } }),
  });
  const clear = await engine.compile({
    state,
    uses,
    inputs: {},
    fn: (gradients) => ({
      state: Object.fromEntries(uses.map((name) => [name, tf.zerosLike(gradients[name]!)])),
      out: {},
    }),
  });
  return {
    async passes() {
      const { zero } = await check.run({});
      const finite = zero![0] === 0;
      if (!finite) await clear.run({});
      return finite;
    },
    async dispose() {
      await check.dispose();
      await clear.dispose();
    },
  };
}
