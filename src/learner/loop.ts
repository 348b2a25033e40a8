/** The training loop: one fit, from its first micro-batch to its last validation. */

import { createSampleCounter } from './accumulation.ts';
import { TrainingFailure } from './failure.ts';
import type { Learner, TrainBatch } from './learner.ts';
import { createEvaluator, createSmoothedLoss, type Evaluation } from './metrics.ts';
import type { Fit, Rates } from './schedules.ts';

export interface ValidBatch {
  readonly inputs: Float32Array;
  readonly labels: Int32Array;
}

export interface FitData {
  readonly trainBatches: number;
  readonly validBatches: number;
  /** The micro-batches of one epoch, all of the learner's batch size. */
  train(epoch: number): AsyncIterable<TrainBatch>;
  valid(): AsyncIterable<ValidBatch>;
}

export interface StartedEpoch {
  readonly kind: 'epochStarted';
  readonly epoch: number;
}

export interface TrainedBatch extends Rates {
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

export interface ValidatedBatch {
  readonly kind: 'validated';
  readonly epoch: number;
  readonly batch: number;
}

export interface FinishedEpoch extends Rates {
  readonly kind: 'epoch';
  readonly epoch: number;
  /** Smoothed loss after the last micro-batch. */
  readonly trainLoss: number;
  readonly validation: Evaluation;
}

export type FitEvent = StartedEpoch | TrainedBatch | ValidatedBatch | FinishedEpoch;

/** @throws TrainingFailure DIVERGED as soon as a loss is not finite. */
export async function* runFit(learner: Learner, fit: Fit, data: FitData): AsyncGenerator<FitEvent, void> {
  const steps = await learner.begin(fit.frozen);
  const smoothed = createSmoothedLoss();
  const counter = createSampleCounter(learner.effectiveBatchSize);
  try {
    for (let epoch = 0; epoch < fit.epochs; epoch++) {
      yield { kind: 'epochStarted', epoch };
      let batch = 0;
      let rates = fit.schedule(epoch / fit.epochs);
      let trainLoss = Number.NaN;
      for await (const trainBatch of data.train(epoch)) {
        rates = fit.schedule((epoch + batch / data.trainBatches) / fit.epochs);
        const { lossScale } = steps;
        const loss = await steps.accumulate(trainBatch);
        if (!Number.isFinite(loss)) throw diverged(loss, epoch, batch, lossScale !== null);
        trainLoss = smoothed.add(loss);
        const due = counter.add(learner.batchSize);
        const stepped = due && (await steps.update(rates));
        const step = { stepped, skipped: due && !stepped, lossScale };
        yield { kind: 'trained', epoch, batch, ...rates, loss, smoothedLoss: trainLoss, ...step };
        batch++;
      }
      const evaluator = createEvaluator(learner.model.classes);
      batch = 0;
      for await (const { inputs, labels } of data.valid()) {
        evaluator.add(await learner.predict(inputs), labels);
        yield { kind: 'validated', epoch, batch };
        batch++;
      }
      yield { kind: 'epoch', epoch, ...rates, trainLoss, validation: evaluator.result() };
    }
  } finally {
    await steps.dispose();
  }
}

function diverged(loss: number, epoch: number, batch: number, narrow: boolean): TrainingFailure {
  const remedy = narrow ? 'lower baseLearningRate, or take precision BF16 or FP32' : 'lower baseLearningRate';
  return new TrainingFailure(
    'DIVERGED',
    `the loss became ${loss} at micro-batch ${batch + 1} of epoch ${epoch + 1}; ${remedy}`,
  );
}
