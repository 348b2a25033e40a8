/** What a network is made of, before any value exists: names, shapes, initial values and the rules of training. */

import type { Tensor } from '@tensorflow/tfjs-core';
import { createRandom, type Random } from '../domain/random.ts';
import { sizeOf } from '../domain/shape.ts';

/** How a parameter starts when no pretrained weights are loaded. */
export type Initialiser =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly std: number }
  /** Cut at -2 and 2 (absolute, as timm does). */
  | { readonly kind: 'truncatedNormal'; readonly std: number }
  /** In [-bound, bound). */
  | { readonly kind: 'uniform'; readonly bound: number };

export interface ParameterSpec {
  /** timm's key within the network, e.g. `stages.0.blocks.1.norm.weight`. */
  readonly name: string;
  /** PyTorch's layout: linear (out, in), convolution (out, in / groups, kh, kw). */
  readonly shape: readonly number[];
  readonly init: Initialiser;
  /** Weight or bias of a normalisation layer: trains while the body is frozen, never decays. */
  readonly norm: boolean;
  /** False for parameters that exist in checkpoints but take no part in the computation: they get no gradient. */
  readonly used: boolean;
}

/** Parameters of the body (group 0) train at another rate than those of the head (group 1). */
export type ParameterGroup = 0 | 1;

export interface ModelParameter extends ParameterSpec {
  readonly group: ParameterGroup;
}

/** Something stored with the weights that is no parameter: running statistics. */
export interface BufferSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** Every element's initial value. */
  readonly value: number;
}

/**
 * Random zeros in training (dropout, drop-path), drawn outside so that a step stays a pure function: an input of shape
 * [batch, ...shape] holding 0 with probability 1 - keep and 1 / keep otherwise.
 */
export interface MaskSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly keep: number;
}

/** Looks a tensor up by its key; unknown keys are an error. */
export type Weights = (name: string) => Tensor;

/** Tensors by name; a name that is missing is a bug. */
export function weightsOf(tensors: Readonly<Record<string, Tensor>>): Weights {
  return (name) => {
    const tensor = tensors[name];
    if (!tensor) throw new Error(`the model has no tensor ${JSON.stringify(name)}`);
    return tensor;
  };
}

/** The tensors below `prefix`. */
export function under(weights: Weights, prefix: string): Weights {
  return (name) => weights(`${prefix}.${name}`);
}

const zeros: Initialiser = { kind: 'constant', value: 0 };

/** A parameter that belongs to no normalisation and that the forward pass reads. */
export function parameter(name: string, shape: readonly number[], init: Initialiser): ParameterSpec {
  return { name, shape, init, norm: false, used: true };
}

/** `weight` and zero `bias` of a linear layer or convolution. */
export function weightAndBias(name: string, shape: readonly number[], init: Initialiser): ParameterSpec[] {
  return [parameter(`${name}.weight`, shape, init), parameter(`${name}.bias`, [shape[0]!], zeros)];
}

/** `weight` and `bias` of a normalisation over `width` values. The last argument: what they start as. */
export function normParameters(
  name: string,
  width: number,
  { weight = 1, bias = 0 }: { readonly weight?: number; readonly bias?: number } = {},
): ParameterSpec[] {
  const constant = (value: number): Initialiser => ({ kind: 'constant', value });
  return [
    { name: `${name}.weight`, shape: [width], init: constant(weight), norm: true, used: true },
    { name: `${name}.bias`, shape: [width], init: constant(bias), norm: true, used: true },
  ];
}

/** Weight decay applies to everything but normalisation parameters and whatever is named exactly `bias`. */
export function decays({ name, norm }: Pick<ParameterSpec, 'name' | 'norm'>): boolean {
  return !norm && name.split('.').at(-1) !== 'bias';
}

/** What trains: all of it, or while the body is frozen the head and the body's normalisation layers. */
export function trainable(parameters: readonly ModelParameter[], frozen: boolean): ModelParameter[] {
  return parameters.filter((p) => p.used && (!frozen || p.group === 1 || p.norm));
}

/** Draws a parameter's initial values; each parameter has its own stream of the run's seed. */
export function initialValues({ name, shape, init }: ParameterSpec, seed: number): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  const random = createRandom(seed, 'parameter', name);
  for (let i = 0; i < values.length; i++) values[i] = draw(init, random);
  return values;
}

function draw(init: Initialiser, random: Random): number {
  switch (init.kind) {
    case 'constant':
      return init.value;
    case 'normal':
      return init.std * random.normal();
    case 'truncatedNormal':
      for (;;) {
        const value = init.std * random.normal();
        if (Math.abs(value) <= 2) return value;
      }
    case 'uniform':
      return init.bound * (2 * random.next() - 1);
  }
}
