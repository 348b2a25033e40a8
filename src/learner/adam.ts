/**
 * fastai's Adam with decoupled weight decay as one compiled update over gradient buffers, which it clears.
 *
 * Per parameter with gradient g, at its step t:
 *   p <- p (1 - lr wd), if it decays
 *   m <- mom m + (1 - mom) g            mom varies with the schedule
 *   v <- 0.99 v + 0.01 g^2
 *   p <- p - lr / (1 - mom^t) * m / (sqrt(v / (1 - 0.99^t)) + eps)
 * Stored are M = m / (1 - mom) and V = v / 0.01, which need fewer operations:
 *   M <- carry M + g, carry = mom (1 - previous mom) / (1 - mom);   V <- 0.99 V + g^2
 *   p <- p decay - M / (root sqrt(V) + floor), with k = (1 - mom^t) / (lr (1 - mom)), root = k sqrt(0.01 / (1 - 0.99^t)), floor = k eps
 */

import type * as tf from '@tensorflow/tfjs-core';
import { zerosLike } from '@tensorflow/tfjs-core';
import type { Engine, State, TensorSpec, Tensors } from '../engine/engine.ts';
import { decays, type ModelParameter } from '../models/parameters.ts';
import { scalesLoss } from './lossScale.ts';
import type { Rates } from './schedules.ts';

const squareMomentum = 0.99;
const epsilon = 1e-5;

export interface Adam {
  readonly state: AdamState;
  /** Applies the gradient buffers, divided by `lossScale` where the engine scales losses, to all parameters and clears the buffers. */
  step(rates: Rates, lossScale?: number): Promise<void>;
  dispose(): Promise<void>;
}

/** What an optimiser goes on from, besides the moments, which lie in the engine's state. */
export interface AdamState {
  readonly steps: number;
  /** Of the last step; 0 before the first. */
  readonly previousMomentum: number;
}

/** Names of what training keeps beside a parameter. */
export const gradientOf = (name: string): string => `gradient/${name}`;
export const meanOf = (name: string): string => `mean/${name}`;
export const squareOf = (name: string): string => `square/${name}`;

/** State entries that a parameter needs to be trained: gradient buffer and moments, all starting as zeros. */
export function trainingEntries({ name, shape }: Pick<ModelParameter, 'name' | 'shape'>): Record<string, TensorSpec> {
  return { [gradientOf(name)]: { shape }, [meanOf(name)]: { shape }, [squareOf(name)]: { shape } };
}

/**
 * An optimiser with fresh moments over `parameters`, which step together: parameters that get no gradient are left out, those
 * whose gradients begin later have an optimiser of their own. What the state's moment entries hold before is ignored.
 * @param from goes on from there, with the moments that the state holds
 */
export async function createAdam(
  engine: Engine,
  state: State,
  parameters: readonly ModelParameter[],
  weightDecay: number,
  from: AdamState = { steps: 0, previousMomentum: 0 },
): Promise<Adam> {
  const groups = [...new Set(parameters.map((p) => p.group))];
  const scaled = scalesLoss(engine);
  const names = parameters.map((p) => p.name);
  const update = await engine.compile({
    state,
    uses: [names, names.map(gradientOf), names.map(meanOf), names.map(squareOf)].flat(),
    inputs: Object.fromEntries(inputNames(groups, scaled).map((name) => [name, { shape: [] }])),
    fn: (tensors, inputs) => ({
      state: Object.assign({}, ...parameters.map((p) => updated(p, tensors, inputs))) as Tensors,
      out: {},
    }),
  });
  let { steps, previousMomentum } = from;
  return {
    get state() {
      return { steps, previousMomentum };
    },
    async step({ learningRates, momentum }, lossScale = 1) {
      steps++;
      const inputs: Record<string, number> = {
        meanCarry: steps === 1 ? 0 : (momentum * (1 - previousMomentum)) / (1 - momentum),
        squareCarry: steps === 1 ? 0 : squareMomentum,
      };
      for (const group of groups) {
        const rate = learningRates[group]!;
        const k = (1 - momentum ** steps) / (rate * (1 - momentum));
        inputs[`decay${group}`] = 1 - rate * weightDecay;
        inputs[`root${group}`] = k * Math.sqrt((1 - squareMomentum) / (1 - squareMomentum ** steps));
        inputs[`floor${group}`] = k * epsilon;
      }
      if (scaled) inputs.unscale = 1 / lossScale;
      previousMomentum = momentum;
      await update.run(inputs);
    },
    dispose: () => update.dispose(),
  };
}

function inputNames(groups: readonly number[], scaled: boolean): string[] {
  const perGroup = groups.flatMap((group) => [`decay${group}`, `root${group}`, `floor${group}`]);
  return ['meanCarry', 'squareCarry', ...(scaled ? ['unscale'] : []), ...perGroup];
}

function updated(parameter: ModelParameter, state: Tensors, inputs: Tensors): Tensors {
  const { name, shape, group } = parameter;
  const input = (key: string): tf.Tensor => inputs[key]!;
  // onnxruntime broadcasts a scalar value by value where the last axis has length 1, as those of 1x1 convolutions have
  const flat = (key: string): tf.Tensor => (shape.at(-1) === 1 ? state[key]!.flatten() : state[key]!);
  const buffer = flat(gradientOf(name));
  const gradient = inputs.unscale ? buffer.mul(inputs.unscale) : buffer;
  const mean = flat(meanOf(name)).mul(input('meanCarry')).add(gradient);
  const square = flat(squareOf(name)).mul(input('squareCarry')).add(gradient.mul(gradient));
  const change = mean.div(
    square
      .sqrt()
      .mul(input(`root${group}`))
      .add(input(`floor${group}`)),
  );
  const value = flat(name);
  const decayed = decays(parameter) ? value.mul(input(`decay${group}`)) : value;
  return {
    [name]: decayed.sub(change).reshape([...shape]),
    [gradientOf(name)]: zerosLike(state[gradientOf(name)]!),
    [meanOf(name)]: mean.reshape([...shape]),
    [squareOf(name)]: square.reshape([...shape]),
  };
}
