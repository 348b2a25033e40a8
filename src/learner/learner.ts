/** A model in training: its state on the engine and the steps compiled over it. */

import type { Engine, HostArray, State } from '../engine/engine.ts';
import type { Model } from '../models/model.ts';
import { trainable } from '../models/parameters.ts';
import type { InitialWeights } from '../models/weights.ts';
import { type AdamState, createAdam, trainingEntries } from './adam.ts';
import { createGradientGuard } from './gradientGuard.ts';
import { createLossScale, type LossScaleState, scalesLoss } from './lossScale.ts';
import { modelEntries, type Predictor, predictorOver } from './predictor.ts';
import type { Rates } from './schedules.ts';
import { compileMicroStep } from './steps.ts';

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
  /**
   * One optimiser step from the gradients accumulated. False: one of them was not finite, so the step was skipped, the gradients are lost
   * and the loss scale is smaller; it only happens where losses are scaled.
   */
  update(rates: Rates): Promise<boolean>;
  /** What the next loss will be multiplied with for its gradients; null: losses are not scaled. */
  readonly lossScale: number | null;
  readonly state: StepsState;
  dispose(): Promise<void>;
}

/** What the steps of a fit go on from, besides what lies in the engine's state. */
export interface StepsState {
  readonly adam: AdamState;
  /** null: losses are not scaled. */
  readonly lossScale: LossScaleState | null;
}

export interface FitStart {
  /** PyTorch's unless said. */
  readonly initialLossScale?: number;
  /** Goes on with the optimiser and loss scale of a fit that was interrupted, whose tensors have been written back. */
  readonly from?: StepsState | undefined;
}

/** Its `batchSize` is that of a micro-batch, also for evaluation. */
export interface Learner extends Predictor {
  readonly effectiveBatchSize: number;
  /** Every tensor of the training: weights, buffers, moments, gradients. */
  readonly tensors: Pick<State, 'names' | 'spec' | 'read' | 'write'>;
  /**
   * Compiles the steps of a fit, with a fresh optimiser and loss scale unless `start` says otherwise. Gradients of an earlier fit that led to no step are still there, as
   * they were scaled then.
   */
  begin(frozen: boolean, start?: FitStart): Promise<FitSteps>;
  /** A parameter's or buffer's current value. */
  read(name: string): Promise<HostArray>;
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
  const predictor = predictorOver(engine, state, model, batchSize);
  return {
    ...predictor,
    effectiveBatchSize,
    tensors: state,
    async begin(frozen, { initialLossScale: initial, from } = {}) {
      const trained = trainable(model.parameters, frozen);
      const microStep = await compileMicroStep(engine, state, model, trained, batchSize, effectiveBatchSize);
      const adam = await createAdam(engine, state, trained, weightDecay, from?.adam);
      const scale = scalesLoss(engine) ? createLossScale({ initial, from: from?.lossScale }) : null;
      const guard = scale && (await createGradientGuard(engine, state, trained));
      return {
        get lossScale() {
          return scale?.value ?? null;
        },
        get state() {
          return { adam: adam.state, lossScale: scale?.state ?? null };
        },
        async accumulate({ inputs, labels, masks }) {
          const { loss } = await microStep.run({ inputs, labels, ...masks, ...(scale && { lossScale: scale.value }) });
          return loss![0]!;
        },
        async update(rates) {
          const finite = !guard || (await guard.passes());
          if (finite) await adam.step(rates, scale?.value);
          scale?.update(!finite);
          return finite;
        },
        async dispose() {
          await microStep.dispose();
          await adam.dispose();
          await guard?.dispose();
        },
      };
    },
    read: (name) => state.read(name),
    async dispose() {
      await predictor.dispose();
      state.dispose();
    },
  };
}

function createModelState(engine: Engine, model: Model, weights: InitialWeights): Promise<State> {
  const entries = modelEntries(model, weights);
  for (const p of trainable(model.parameters, false)) Object.assign(entries, trainingEntries(p));
  return engine.createState(entries);
}
