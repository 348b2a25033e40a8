/** Turns what the loop yields into the trainer's events: throttled progress, metric points, memory windows, epochs. */

import type { EpochMetrics, MemoryPoint, MetricPoint, RunPhase, RunProgress } from '../domain/run.ts';
import type { TrainerEvent } from '../domain/trainer.ts';
import { epochLine } from './epochLine.ts';
import type { FinishedEpoch, FitEvent, TrainedBatch } from './loop.ts';
import type { MemorySampler } from './memory.ts';
import { nothingYet, type ReporterState } from './reporterState.ts';

/** Cost of forward and backward, in forward passes: only for the estimate of the time left. */
const trainingCost = 3;
const progressMilliseconds = 250;
const memoryMilliseconds = 1000;
/** Metric points that are not held back any longer. */
const pointLimit = 500;

export interface RunPlan {
  /** Images per micro-batch. */
  readonly batchSize: number;
  /** Epochs of all fits. */
  readonly epochs: number;
  readonly trainBatches: number;
  readonly validBatches: number;
  readonly predictBatches: number;
}

type Position = Pick<RunProgress, 'phase' | 'batch' | 'batches'>;

export class RunReporter {
  readonly #plan: RunPlan;
  readonly #now: () => number;
  readonly #memory: MemorySampler;
  readonly #former: ReporterState;
  #points: MetricPoint[] = [];
  #position: Position = { phase: 'PREPARING', batch: 0, batches: 0 };
  #epoch: number;
  /** Micro-batches trained. */
  #step: number;
  #workDone = 0;
  /** Work that former attempts have done. */
  #workBefore = 0;
  #peak: number;
  #epochPeak: number;
  #startedAt: number | undefined;
  #epochStartedAt = 0;
  #trainedAt = 0;
  #epochTrainMilliseconds: number;
  #trainMilliseconds: number;
  #progressAt = Number.NEGATIVE_INFINITY;
  #memoryAt = Number.NEGATIVE_INFINITY;
  #finishedTrainingAt = 0;

  /**
   * @param now in milliseconds
   * @param former of the attempt that this one goes on from
   */
  constructor(plan: RunPlan, now: () => number, memory: MemorySampler, former: ReporterState = nothingYet) {
    this.#plan = plan;
    this.#now = now;
    this.#memory = memory;
    this.#former = former;
    this.#epoch = former.epoch;
    this.#step = former.step;
    this.#peak = former.peak;
    this.#epochPeak = former.epochPeak;
    this.#epochTrainMilliseconds = former.epochTraining;
    this.#trainMilliseconds = former.training;
    this.#workBefore = former.step * trainingCost + former.epoch * plan.validBatches;
  }

  /** What the next attempt would take over. Ask for it right after the events were told: points held back are not part of it. */
  get state(): ReporterState {
    const now = this.#now();
    return {
      epoch: this.#epoch,
      step: this.#step,
      epochElapsed: now - this.#epochStartedAt,
      epochTraining: this.#epochTrainMilliseconds,
      elapsed: now - this.#startedAt!,
      finishedTrainingAfter: this.#finishedTrainingAt - this.#startedAt!,
      training: this.#trainMilliseconds,
      peak: this.#peak,
      epochPeak: this.#epochPeak,
    };
  }

  /** Everything that is held back. */
  told(): Promise<TrainerEvent[]> {
    return this.#flush(true);
  }

  /** What to tell while nothing trains yet. */
  preparing(): Promise<TrainerEvent[]> {
    if (this.#startedAt === undefined) {
      this.#startedAt = this.#now() - this.#former.elapsed;
      this.#finishedTrainingAt = this.#startedAt + this.#former.finishedTrainingAfter;
    }
    return this.#flush(true);
  }

  async fit(event: FitEvent, frozen: boolean): Promise<TrainerEvent[]> {
    const phase: RunPhase = frozen ? 'FROZEN' : 'UNFROZEN';
    switch (event.kind) {
      case 'epochStarted':
        this.#epochStartedAt = this.#trainedAt = this.#now();
        if (event.batch > 0) this.#epochStartedAt -= this.#former.epochElapsed;
        else this.#epochTrainMilliseconds = this.#epochPeak = 0;
        return this.#at({ phase, batch: event.batch, batches: this.#plan.trainBatches }, 0, true);
      case 'trained':
        this.#addTrained(event);
        return [
          ...skippedStep(event),
          ...(await this.#at({ phase, batch: event.batch + 1, batches: this.#plan.trainBatches }, trainingCost)),
        ];
      case 'validated':
        return this.#at({ phase: 'VALIDATING', batch: event.batch + 1, batches: this.#plan.validBatches }, 1);
      case 'epoch':
        return this.#finishEpoch(event, phase);
      case 'diverged':
        // In place of the point it would have been: what was finite is told with it.
        this.#points.push({ name: 'train/loss', step: this.#step + 1, value: event.loss });
        return this.#flush(true);
    }
  }

  /** After one batch of predictions. */
  predicted(): Promise<TrainerEvent[]> {
    return this.#predictedBatches(1, 1);
  }

  /** After a set that an earlier attempt has predicted, in so many batches. */
  skipped(batches: number): Promise<TrainerEvent[]> {
    this.#workBefore += batches;
    return this.#predictedBatches(batches, 0);
  }

  #predictedBatches(batches: number, work: number): Promise<TrainerEvent[]> {
    const { phase, batch } = this.#position;
    const done = (phase === 'PREDICTING' ? batch : 0) + batches;
    return this.#at({ phase: 'PREDICTING', batch: done, batches: this.#plan.predictBatches }, work);
  }

  /** The last events of a run. */
  async finish(): Promise<TrainerEvent[]> {
    const events = await this.#flush(true);
    return [
      ...events,
      {
        kind: 'finished',
        imagesPerSecond: rate(this.#step * this.#plan.batchSize, this.#trainMilliseconds),
        peakMemory: this.#peak,
        trainSeconds: (this.#finishedTrainingAt - this.#startedAt!) / 1000,
      },
    ];
  }

  #addTrained({ loss, smoothedLoss, learningRates, momentum, lossScale }: TrainedBatch): void {
    const now = this.#now();
    this.#epochTrainMilliseconds += now - this.#trainedAt;
    this.#trainMilliseconds += now - this.#trainedAt;
    this.#trainedAt = now;
    this.#step++;
    this.#add('train/loss', loss);
    this.#add('train/loss_smooth', smoothedLoss);
    learningRates.forEach((value, group) => {
      this.#add(`lr/${group}`, value);
    });
    this.#add('momentum', momentum);
    if (lossScale !== null) this.#add('train/loss_scale', lossScale);
  }

  async #finishEpoch(event: FinishedEpoch, phase: RunPhase): Promise<TrainerEvent[]> {
    const { validation, trainLoss, learningRates, momentum } = event;
    // Series besides the epoch event: leaderboards, filters and charts read metrics by name.
    this.#add('valid/loss', validation.loss);
    this.#add('valid/error_rate', validation.errorRate);
    this.#add('valid/accuracy', validation.accuracy);
    const memory = await this.#sampleMemory();
    const now = this.#now();
    this.#finishedTrainingAt = now;
    const index = this.#epoch++;
    const epoch: EpochMetrics = {
      index,
      phase,
      trainLoss,
      validLoss: validation.loss,
      errorRate: validation.errorRate,
      accuracy: validation.accuracy,
      seconds: (now - this.#epochStartedAt) / 1000,
      learningRates,
      momentum,
      imagesPerSecond: rate(this.#plan.trainBatches * this.#plan.batchSize, this.#epochTrainMilliseconds),
      peakMemory: this.#epochPeak,
    };
    const line = epochLine(epoch, this.#plan.epochs);
    const told = await this.#flush(true);
    return [memory, ...told, { kind: 'epoch', epoch }, { kind: 'log', stream: 'trainer', line }];
  }

  #add(name: string, value: number): void {
    this.#points.push({ name, step: this.#step, value });
  }

  #at(position: Position, work: number, force = false): Promise<TrainerEvent[]> {
    this.#position = position;
    this.#workDone += work;
    return this.#flush(force);
  }

  /** Whatever is due: memory, points, progress. */
  async #flush(force: boolean): Promise<TrainerEvent[]> {
    const events: TrainerEvent[] = [];
    if (this.#now() - this.#memoryAt >= memoryMilliseconds) events.push(await this.#sampleMemory());
    const due = force || this.#now() - this.#progressAt >= progressMilliseconds;
    if (this.#points.length && (due || this.#points.length >= pointLimit)) {
      events.push({ kind: 'metrics', points: this.#points });
      this.#points = [];
    }
    if (due) {
      this.#progressAt = this.#now();
      events.push({ kind: 'progress', progress: this.#progress() });
    }
    return events;
  }

  #progress(): RunProgress {
    const { epochs, trainBatches, validBatches, predictBatches, batchSize } = this.#plan;
    const { phase, batch } = this.#position;
    const work = epochs * (trainBatches * trainingCost + validBatches) + predictBatches;
    // Of this attempt: what it takes for its own work tells what the rest will take.
    const elapsed = (this.#now() - this.#startedAt! - this.#former.elapsed) / 1000;
    const training = phase === 'FROZEN' || phase === 'UNFROZEN';
    return {
      ...this.#position,
      epoch: this.#epoch,
      epochs,
      imagesPerSecond: training && batch > 0 ? rate(batch * batchSize, this.#epochTrainMilliseconds) : null,
      etaSeconds: this.#workDone > 0 ? (elapsed / this.#workDone) * (work - this.#workBefore - this.#workDone) : null,
    };
  }

  async #sampleMemory(): Promise<TrainerEvent> {
    const sample = await this.#memory.sample();
    this.#memoryAt = this.#now();
    this.#peak = Math.max(this.#peak, sample.peak);
    this.#epochPeak = Math.max(this.#epochPeak, sample.peak);
    const point: MemoryPoint = { step: this.#step, ...sample };
    return { kind: 'memory', point };
  }
}

/** The log line of a step that was due but left out. */
function skippedStep({ skipped, lossScale, epoch, batch }: TrainedBatch): TrainerEvent[] {
  if (!skipped) return [];
  const when = `after micro-batch ${batch + 1} of epoch ${epoch + 1}`;
  const line = `no optimiser step ${when}: its gradients overflowed at loss scale ${lossScale}, which is halved now`;
  return [{ kind: 'log', stream: 'trainer', line }];
}

/** Per second; 0 when no time passed. */
function rate(images: number, milliseconds: number): number {
  return milliseconds > 0 ? (images * 1000) / milliseconds : 0;
}
