/** A model in training: its state on the engine and the steps compiled over it. */

import { sizeOf } from '../domain/shape.ts';
import type { Engine, HostArray, State, Step, TensorSpec } from '../engine/engine.ts';
import type { Model } from '../models/model.ts';
import { trainable } from '../models/parameters.ts';
import type { InitialWeights } from '../models/weights.ts';
import { createAdam, trainingEntries } from './adam.ts';
import type { Rates } from './schedules.ts';
import { compileForward, compileMicroStep } from './steps.ts';

export interface TrainBatch {
  /** [batchSize, ...model.inputShape] */
  readonly inputs: Float32Array;
  readonly labels: Int32Array;
  /** By the names of `model.masks`. */
  readonly masks: Readonly<Record<string, Float32Array>>;
}

/** The steps of one fit. */
export interface FitSteps {
  /** Forward and backward of one micro-batch; returns its mean loss. Parameters stay as they are. */
  accumulate(batch: TrainBatch): Promise<number>;
  /** One optimiser step from the gradients accumulated. */
  update(rates: Rates): Promise<void>;
  dispose(): Promise<void>;
}

export interface Learner {
  readonly model: Model;
  /** Micro-batch size, also that of evaluation. */
  readonly batchSize: number;
  readonly effectiveBatchSize: number;
  /** Compiles the steps of a fit with a fresh optimiser. Gradients of an earlier fit that led to no step are still there. */
  begin(frozen: boolean): Promise<FitSteps>;
  /** Logits [rows, classes] of at most `batchSize` inputs, outside training. */
  predict(inputs: Float32Array): Promise<Float32Array>;
  /** A parameter's or buffer's current value. */
  read(name: string): Promise<HostArray>;
  dispose(): Promise<void>;
}

export interface LearnerOptions {
  readonly engine: Engine;
  readonly model: Model;
  /** A value for every parameter and buffer. */
  readonly weights: InitialWeights;
  readonly batchSize: number;
  readonly effectiveBatchSize: number;
  readonly weightDecay: number;
}

export async function createLearner(options: LearnerOptions): Promise<Learner> {
  const { engine, model, batchSize, effectiveBatchSize, weightDecay } = options;
  const state = await createModelState(engine, model, options.weights);
  let forward: Step | undefined;
  const rowLength = sizeOf(model.inputShape);
  return {
    model,
    batchSize,
    effectiveBatchSize,
    async begin(frozen) {
      const trained = trainable(model.parameters, frozen);
      const microStep = await compileMicroStep(engine, state, model, trained, batchSize, effectiveBatchSize);
      const adam = await createAdam(engine, state, trained, weightDecay);
      return {
        async accumulate({ inputs, labels, masks }) {
          const { loss } = await microStep.run({ inputs, labels, ...masks });
          return loss![0]!;
        },
        update: (rates) => adam.step(rates),
        async dispose() {
          await microStep.dispose();
          await adam.dispose();
        },
      };
    },
    async predict(inputs) {
      forward ??= await compileForward(engine, state, model, batchSize);
      const { logits } = await forward.run({ inputs: padded(inputs, batchSize * rowLength) });
      return (logits as Float32Array).slice(0, (inputs.length / rowLength) * model.classes);
    },
    read: (name) => state.read(name),
    async dispose() {
      await forward?.dispose();
      state.dispose();
    },
  };
}

function createModelState(engine: Engine, model: Model, weights: InitialWeights): Promise<State> {
  const entries: Record<string, TensorSpec & { readonly data?: HostArray }> = {};
  for (const { name, shape } of [...model.parameters, ...model.buffers]) {
    const data = weights.get(name);
    if (!data) throw new Error(`no initial value for ${name}`);
    entries[name] = { shape, data };
  }
  for (const p of trainable(model.parameters, false)) Object.assign(entries, trainingEntries(p));
  return engine.createState(entries);
}

/** The last batch of a pass is filled up with zeros: one compiled size serves all. */
function padded(values: Float32Array, length: number): Float32Array {
  if (values.length === length) return values;
  const result = new Float32Array(length);
  result.set(values);
  return result;
}
