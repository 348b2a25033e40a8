/** Memory probes: accumulation 1, 2, 4 … until the peak is within the budget, each trial in a fresh process, target after target. */

import {
  type NewMeasurement,
  recordEquivalence,
  recordProbeMachine,
  recordTargetFailure,
  recordTrial,
} from '../commands/probe.ts';
import { agrees, type Measurement, outcomeWithin } from '../domain/memoryProbe.ts';
import type { RunFailure } from '../domain/run.ts';
import type { TrainerEvent } from '../domain/trainer.ts';
import { doubledAccumulation, microBatchSize, type TrainingConfig } from '../domain/trainingConfig.ts';
import { findMeasurements, type MeasuredSetup } from '../store/memoryMeasurement.ts';
import { findProbeOfRun, type MemoryProbe, type ProbeTarget, type ProbeTrial } from '../store/probe.ts';
import { configOf } from './jobParts.ts';
import { type MemoryLimit, tightest } from './memoryLimit.ts';
import { failureOf, type TaskOptions, type TaskOutcome } from './outcome.ts';
import { persist } from './persist.ts';
import type { TrainerEnd } from './trainerProcess.ts';

/** Optimiser steps of one trial: the first allocates everything, the second shows that nothing more is needed. */
const steps = 2;

/** Measures every target; one that cannot be measured does not keep the others from it. Having none that fits is an answer too. */
export async function probe(options: TaskOptions): Promise<TaskOutcome> {
  const { ctx, run, attempt, machine } = options;
  const stored = await findProbeOfRun(ctx.db.prisma, run.id);
  if (!stored) throw new Error(`run ${run.id} is a memory probe without its row`);
  await persist(() => recordProbeMachine(ctx, attempt.token, stored.id, machine));
  const { targets } = stored;
  const failures: RunFailure[] = [];
  const trials: ProbeTrial[] = [];
  for (const target of targets) {
    const measured = await new TargetProbe(options, stored, target, trials.length).measure();
    if (attempt.reason) return { status: 'CANCELED' };
    trials.push(...measured.trials);
    if (measured.failure) {
      const { failure } = measured;
      failures.push({ ...failure, message: `${nameOf(target)}: ${failure.message}` });
    }
  }
  if (failures.length === targets.length) return { status: 'FAILED', failure: failures[0]! };
  const peaks = trials.flatMap((trial) => trial.peakMemory ?? []);
  return {
    status: 'SUCCEEDED',
    // One network's speed says nothing of another's.
    imagesPerSecond: targets.length === 1 ? (trials.at(-1)?.imagesPerSecond ?? null) : null,
    peakMemory: peaks.length ? Math.max(...peaks) : null,
    trainSeconds: null,
  };
}

interface MeasuredTarget {
  readonly trials: readonly ProbeTrial[];
  /** Why nothing more could be measured. */
  readonly failure: RunFailure | null;
}

class TargetProbe {
  readonly #options: TaskOptions;
  readonly #probe: MemoryProbe;
  readonly #target: ProbeTarget;
  /** Trials of earlier targets: points of metrics are numbered through. */
  readonly #before: number;
  readonly #key: { readonly probeId: string; readonly position: number };
  readonly #setup: MeasuredSetup;
  /** What a trial may take; enforced where the memory of trainers is watched. */
  readonly #limit: MemoryLimit;

  constructor(options: TaskOptions, probe: MemoryProbe, target: ProbeTarget, before: number) {
    this.#options = options;
    this.#probe = probe;
    this.#target = target;
    this.#before = before;
    this.#key = { probeId: probe.id, position: target.position };
    this.#setup = { ...options.machine, ...target };
    this.#limit = tightest({ bytes: probe.budget, name: "the probe's budget" }, options.machine.memoryLimit)!;
  }

  /** Tries until one trial fits, and compares if that was asked for. */
  async measure(): Promise<MeasuredTarget> {
    const { run, attempt } = this.#options;
    const { position, architecture, size, itemTransform, precision } = this.#target;
    const first = { ...configOf(run), architecture, size, itemTransform, precision, accumulation: 1 };
    const measured = await this.#tryAll(first);
    if (!attempt.reason) await this.#tellProgress(first, position + 1, 0);
    return measured;
  }

  async #tryAll(first: TrainingConfig): Promise<MeasuredTarget> {
    const { attempt } = this.#options;
    const trials: ProbeTrial[] = [];
    for (let config: TrainingConfig | null = first; config; config = doubledAccumulation(config)) {
      await this.#tellProgress(first, this.#target.position, trials.length);
      const { trial, failure } = (await this.#known(config)) ?? (await this.#run(config));
      if (attempt.reason) break;
      if (failure) return { trials, failure };
      trials.push(trial);
      if (trial.outcome !== 'FITS') continue;
      if (this.#probe.equivalence) await this.#compare(config);
      break;
    }
    return { trials, failure: null };
  }

  /** A trial from what an earlier probe has measured, where that is enough to answer. */
  async #known(config: TrainingConfig): Promise<{ trial: ProbeTrial; failure: null } | null> {
    if (this.#probe.refresh) return null;
    const size = microBatchSize(config);
    const measured = (await findMeasurements(this.#options.ctx.db.prisma, this.#setup, [size])).get(size);
    const outcome = measured && outcomeWithin(this.#limit.bytes, measured);
    if (!outcome) return null;
    const { peakMemory, imagesPerSecond } = measured;
    const trial = { ...factsOf(config), peakMemory, outcome, imagesPerSecond, message: null, cached: true };
    await this.#record(trial, null);
    return { trial, failure: null };
  }

  async #run(config: TrainingConfig): Promise<{ trial: ProbeTrial; failure: RunFailure | null }> {
    const { attempt, machine, train } = this.#options;
    const end = await train({ task: { kind: 'probe', steps }, config }, machine.memoryLimit && this.#limit);
    const failure = failureOf(end);
    const measured = measurementOf(end);
    const trial: ProbeTrial = {
      ...factsOf(config),
      peakMemory: measured?.peakMemory ?? null,
      outcome: failure
        ? failure.code === 'OUT_OF_MEMORY'
          ? 'OUT_OF_MEMORY'
          : 'FAILED'
        : outcomeWithin(this.#limit.bytes, measured!)!,
      imagesPerSecond: measured?.imagesPerSecond ?? null,
      message: failure?.message ?? null,
      cached: false,
    };
    const failed = trial.outcome === 'FAILED' ? failure : null;
    if (attempt.reason) return { trial, failure: failed };
    // A trainer that has opened another engine than this worker expects of it says nothing of that one.
    const comparable = attempt.engine === this.#setup.engine;
    await this.#record(trial, measured && comparable ? { ...measured, setup: this.#setup } : null);
    if (failed) await this.#recordFailure(failed);
    return { trial, failure: failed };
  }

  async #record(trial: ProbeTrial, measured: NewMeasurement | null): Promise<void> {
    const { ctx, attempt, tell } = this.#options;
    await persist(() => recordTrial(ctx, attempt.token, this.#key, trial, measured));
    await tell({
      kind: 'log',
      stream: 'trainer',
      line: `${nameOf(this.#target)}: ${describeTrial(trial, this.#limit)}`,
    });
    const step = this.#before + Math.log2(trial.accumulation) + 1;
    const point = (name: string, value: number | null) => (value === null ? [] : [{ name, step, value }]);
    const points = [
      ...point('probe/peak_memory', trial.peakMemory),
      ...point('probe/images_per_second', trial.imagesPerSecond),
    ];
    if (points.length) await tell({ kind: 'metrics', points });
  }

  async #recordFailure(failure: RunFailure): Promise<void> {
    const { ctx, attempt } = this.#options;
    await persist(() => recordTargetFailure(ctx, attempt.token, this.#key, failure));
  }

  /**
   * Compares the gradient of one micro-batch that fits with that of its parts. It holds both gradients at once and may take more than the
   * budget, which is for training: only the worker's own limit counts.
   */
  async #compare(config: TrainingConfig): Promise<void> {
    const { ctx, attempt, machine, train, tell } = this.#options;
    const samples = microBatchSize(config);
    const whole = { ...config, effectiveBatchSize: samples, accumulation: 1 };
    const accumulation = partsOf(samples, config.accumulation);
    const end = await train({ task: { kind: 'compare', accumulation }, config: whole }, machine.memoryLimit);
    if (attempt.reason) return;
    const failure = failureOf(end);
    let line: string;
    if (failure) {
      const told = { ...failure, message: `accumulation could not be compared: ${failure.message}` };
      await this.#recordFailure(told);
      line = told.message;
    } else {
      if (end.kind !== 'reported' || end.event.kind !== 'compared') throw new Error('a comparison ended without one');
      const { equivalence } = end.event;
      await persist(() => recordEquivalence(ctx, attempt.token, this.#key, equivalence));
      const apart = equivalence.gradientDifference / equivalence.gradientMax;
      line = `accumulation ${accumulation} and 1 ${agrees(equivalence) ? 'agree' : 'DISAGREE'}: gradients ${apart.toExponential(1)} of the largest apart`;
    }
    await tell({ kind: 'log', stream: 'trainer', line: `${nameOf(this.#target)}: ${line}` });
  }

  /** How many targets are done, and how many trials of the next one, counted up to the last that there may be. */
  async #tellProgress(first: TrainingConfig, epoch: number, batch: number): Promise<void> {
    let batches = 0;
    for (let config: TrainingConfig | null = first; config; config = doubledAccumulation(config)) batches++;
    const place = { epoch, epochs: this.#probe.targets.length, batch, batches };
    const progress = { phase: 'PROBING', ...place, imagesPerSecond: null, etaSeconds: null } as const;
    await this.#options.tell({ kind: 'progress', progress } satisfies TrainerEvent);
  }
}

/** Null when nobody saw how much memory it took. */
function measurementOf(end: TrainerEnd): Measurement | null {
  if (end.kind === 'overLimit') return { peakMemory: end.peakMemory, complete: false, imagesPerSecond: null };
  if (end.kind !== 'reported' || end.event.kind !== 'probed') return null;
  const { peakMemory, imagesPerSecond } = end.event;
  return { peakMemory, complete: true, imagesPerSecond };
}

function factsOf(config: TrainingConfig) {
  return { accumulation: config.accumulation, microBatchSize: microBatchSize(config) };
}

/** Into how many parts a micro-batch is split to be compared: as the recommendation says where that divides it, else the fewest. */
function partsOf(samples: number, recommended: number): number {
  if (recommended > 1 && samples % recommended === 0) return recommended;
  return Array.from({ length: samples - 1 }, (_, i) => i + 2).find((parts) => samples % parts === 0)!;
}

/** `convnext_atto 128x128` */
function nameOf({ architecture, size }: ProbeTarget): string {
  return `${architecture} ${size.height}x${size.width}`;
}

function describeTrial(trial: ProbeTrial, limit: MemoryLimit): string {
  const { accumulation, microBatchSize: micro, peakMemory, outcome, cached } = trial;
  const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  const peak = peakMemory === null ? 'no peak known' : `peak ${mebibytes(peakMemory)} of ${mebibytes(limit.bytes)}`;
  return `accumulation ${accumulation}, micro-batch ${micro}: ${peak}: ${outcome}${cached ? ' (cached)' : ''}`;
}
