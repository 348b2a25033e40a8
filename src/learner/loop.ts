/** The training loop: one fit, from its first micro-batch to its last validation. */

import { createSampleCounter } from './accumulation.ts';
import { TrainingFailure } from './failure.ts';
import type { Learner, StepsState, TrainBatch } from './learner.ts';
import { createEvaluator, createSmoothedLoss, type Evaluation, type SmoothedLossState } from './metrics.ts';
import type { Fit, Rates } from './schedules.ts';

export interface ValidBatch {
  readonly inputs: Float32Array;
  readonly labels: Int32Array;
}

export interface FitData {
  readonly trainBatches: number;
  readonly validBatches: number;
  /** The micro-batches of one epoch from number `first` on, all of the learner's batch size. Each is the same whatever `first` is. */
  train(epoch: number, first: number): AsyncIterable<TrainBatch>;
  valid(): AsyncIterable<ValidBatch>;
}

/** What a fit goes on from after an interruption, besides the learner's tensors: plain data. */
export interface FitState {
  /** Epochs finished. */
  readonly epoch: number;
  /** Micro-batches of the next epoch that are done; all of them where only its validation is left. */
  readonly batch: number;
  /** Samples whose gradients are accumulated and led to no step yet. */
  readonly samples: number;
  readonly smoothedLoss: SmoothedLossState;
  readonly steps: StepsState;
}

export interface StartedEpoch {
  readonly kind: 'epochStarted';
  readonly epoch: number;
  /** Micro-batches that an earlier attempt has done. */
  readonly batch: number;
}

/** An event after which training can go on from `state`, with the tensors as they are until the next event is asked for. */
interface Resumable {
  readonly state: FitState;
}

export interface TrainedBatch extends Rates, Resumable {
  readonly kind: 'trained';
  readonly epoch: number;
  /** Micro-batch within the epoch, from 0. */
  readonly batch: number;
  readonly loss: number;
  readonly smoothedLoss: number;
  /** Whether the optimiser stepped after it. */
  readonly stepped: boolean;
  /** Whether a step was due but left out, because a gradient was not finite at this loss scale. */
  readonly skipped: boolean;
  /** What its loss was multiplied with for the gradients; null: nothing. */
  readonly lossScale: number | null;
}

export interface ValidatedBatch extends Resumable {
  readonly kind: 'validated';
  readonly epoch: number;
  readonly batch: number;
}

export interface FinishedEpoch extends Rates, Resumable {
  readonly kind: 'epoch';
  readonly epoch: number;
  /** Smoothed loss after the last micro-batch. */
  readonly trainLoss: number;
  readonly validation: Evaluation;
}

/** The last event of a fit that fails with DIVERGED. */
export interface DivergedBatch {
  readonly kind: 'diverged';
  /** Not finite. */
  readonly loss: number;
}

export type FitEvent = StartedEpoch | TrainedBatch | ValidatedBatch | FinishedEpoch | DivergedBatch;

/**
 * @param from goes on there: from then on everything is what it would have been without the interruption, to the last bit
 * @param before micro-batches of the run before this fit
 * @throws TrainingFailure DIVERGED as soon as a loss is not finite.
 */
export async function* runFit(
  learner: Learner,
  fit: Fit,
  data: FitData,
  from: FitState | null = null,
  before = 0,
): AsyncGenerator<FitEvent, void> {
  const steps = await learner.begin(fit.frozen, { from: from?.steps });
  const smoothed = createSmoothedLoss(from?.smoothedLoss);
  const counter = createSampleCounter(learner.effectiveBatchSize, from?.samples);
  const stateAt = (epoch: number, batch: number): FitState => {
    return { epoch, batch, samples: counter.count, smoothedLoss: smoothed.state, steps: steps.state };
  };
  const ratesAt = (epoch: number, batch: number) => fit.schedule((epoch + batch / data.trainBatches) / fit.epochs);
  try {
    for (let epoch = from?.epoch ?? 0; epoch < fit.epochs; epoch++) {
      let batch = from?.epoch === epoch ? from.batch : 0;
      yield { kind: 'epochStarted', epoch, batch };
      let rates = ratesAt(epoch, Math.max(0, batch - 1));
      for await (const trainBatch of data.train(epoch, batch)) {
        rates = ratesAt(epoch, batch);
        const { lossScale } = steps;
        const loss = await steps.accumulate(trainBatch);
        if (!Number.isFinite(loss)) {
          yield { kind: 'diverged', loss };
          const step = before + epoch * data.trainBatches + batch + 1;
          const place = `step ${step} (micro-batch ${batch + 1} of epoch ${epoch + 1} of this phase)`;
          throw diverged(loss, place, lossScale !== null);
        }
        const smoothedLoss = smoothed.add(loss);
        const due = counter.add(learner.batchSize);
        const stepped = due && (await steps.update(rates));
        const step = { stepped, skipped: due && !stepped, lossScale };
        const state = stateAt(epoch, batch + 1);
        yield { kind: 'trained', epoch, batch, ...rates, loss, smoothedLoss, ...step, state };
        batch++;
      }
      const evaluator = createEvaluator(learner.model.classes);
      const beforeValidation = stateAt(epoch, batch);
      batch = 0;
      for await (const { inputs, labels } of data.valid()) {
        evaluator.add(await learner.predict(inputs), labels);
        yield { kind: 'validated', epoch, batch, state: beforeValidation };
        batch++;
      }
      const validation = evaluator.result();
      yield { kind: 'epoch', epoch, ...rates, trainLoss: smoothed.value, validation, state: stateAt(epoch + 1, 0) };
    }
  } finally {
    await steps.dispose();
  }
}

function diverged(loss: number, place: string, narrow: boolean): TrainingFailure {
  const remedy = narrow ? 'lower baseLearningRate, or take precision BF16 or FP32' : 'lower baseLearningRate';
  return new TrainingFailure('DIVERGED', `the loss became ${loss} at ${place}; ${remedy}`);
}
