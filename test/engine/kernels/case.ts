/** One use of a kernel: what goes in, what is computed, how closely the engines must agree. */

import type { Tensor } from '@tensorflow/tfjs-core';
import type { HostArray, TensorSpec, Tensors } from '../../../src/engine/engine.ts';

/** Where the numbers of an input are drawn from. */
export type Values = 'normal' | 'positive' | 'integers' | 'special' | readonly number[];

export interface InputSpec extends TensorSpec {
  readonly values?: Values;
}

export interface KernelCase {
  /** The kernel the case is about, and others that its gradient reaches. */
  readonly kernel: string;
  readonly reaches?: readonly string[];
  readonly title: string;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly fn: (inputs: Tensors) => Tensor | Tensor[];
  /** What must come out, where tfjs' CPU backend has no such kernel. */
  readonly formula?: (inputs: Tensors) => Tensor | Tensor[];
  /** Inputs to differentiate with respect to; none: only values are compared. */
  readonly gradients: readonly string[];
  /** |a - b| ≤ tolerance · (1 + |b|). */
  readonly tolerance: number;
}

/** Elementwise results are the same expression in float32: a few units in the last place. */
export const exact = 1e-6;
/** Sums run in another order. */
export const summed = 2e-5;

/** Reproducible numbers (mulberry32), the same for the same seed. */
export function draw(spec: InputSpec, seed: number): HostArray {
  const size = spec.shape.reduce((a, b) => a * b, 1);
  const { values = spec.dtype === 'int32' ? 'integers' : 'normal' } = spec;
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1, -1, 0.5];
  const next = (i: number): number => {
    switch (values) {
      case 'normal':
        return normal();
      case 'positive':
        return 0.2 + 2 * uniform();
      case 'integers':
        return Math.floor(uniform() * 7) - 3;
      case 'special':
        return special[i % special.length] as number;
      default:
        return values[i % values.length] as number;
    }
  };
  const numbers = Array.from({ length: size }, (_, i) => next(i));
  return spec.dtype === 'int32' ? Int32Array.from(numbers) : Float32Array.from(numbers);
}
