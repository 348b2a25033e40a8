/** A network that only predicts: no gradients, no optimiser. */

import { sizeOf } from '../domain/shape.ts';
import type { Engine, HostArray, State, Step, TensorSpec } from '../engine/engine.ts';
import type { Model } from '../models/model.ts';
import type { InitialWeights } from '../models/weights.ts';
import { compileForward } from './steps.ts';

export interface Predictor {
  readonly model: Model;
  readonly batchSize: number;
  /** Logits [rows, classes] of at most `batchSize` inputs, outside training. */
  predict(inputs: Float32Array): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Predicts with what the state holds at that time: every parameter and buffer of the model. The state stays the caller's. */
export function predictorOver(engine: Engine, state: State, model: Model, batchSize: number): Predictor {
  let forward: Step | undefined;
  const rowLength = sizeOf(model.inputShape);
  return {
    model,
    batchSize,
    async predict(inputs) {
      forward ??= await compileForward(engine, state, model, batchSize);
      const { logits } = await forward.run({ inputs: padded(inputs, batchSize * rowLength) });
      return (logits as Float32Array).slice(0, (inputs.length / rowLength) * model.classes);
    },
    async dispose() {
      await forward?.dispose();
    },
  };
}

/** A predictor with a state of its own. `weights`: a value for every parameter and buffer. */
export async function openPredictor(
  engine: Engine,
  model: Model,
  weights: InitialWeights,
  batchSize: number,
): Promise<Predictor> {
  const state = await engine.createState(modelEntries(model, weights));
  const predictor = predictorOver(engine, state, model, batchSize);
  return {
    ...predictor,
    async dispose() {
      await predictor.dispose();
      state.dispose();
    },
  };
}

export type StateEntries = Record<string, TensorSpec & { readonly data?: HostArray }>;

/** Every parameter and buffer with its value. */
export function modelEntries(model: Model, weights: InitialWeights): StateEntries {
  const entries: StateEntries = {};
  for (const { name, shape } of [...model.parameters, ...model.buffers]) {
    const data = weights.get(name);
    if (!data) throw new Error(`no initial value for ${name}`);
    entries[name] = { shape, data };
  }
  return entries;
}

/** The last batch of a pass is filled up with zeros: one compiled size serves all. */
function padded(values: Float32Array, length: number): Float32Array {
  if (values.length === length) return values;
  const result = new Float32Array(length);
  result.set(values);
  return result;
}
