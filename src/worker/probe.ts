/** Memory probes: accumulation 1, 2, 4 … until the peak is within the budget, each trial in a fresh process. */

import type { AttemptOutcome } from '../commands/attempt.ts';
import type { CommandContext } from '../commands/context.ts';
import { recordTrial } from '../commands/probe.ts';
import type { TrainerEvent } from '../domain/trainer.ts';
import { microBatchSize, type TrainingConfig } from '../domain/trainingConfig.ts';
import { findProbeOfRun, type ProbeTrial } from '../store/probe.ts';
import type { Run } from '../store/run.ts';
import type { HeldAttempt } from './heldAttempt.ts';
import { configOf } from './jobParts.ts';
import { outcomeOf, type TrainJob } from './outcome.ts';
import { persist } from './persist.ts';
import type { TrainerEnd } from './trainerProcess.ts';

/** Optimiser steps of one trial: the first allocates everything, the second shows that nothing more is needed. */
const steps = 2;
/** The head's batch normalisation needs two images. */
const smallestMicroBatch = 2;

/** The accumulations worth a trial: doubling while micro-batches stay whole and large enough. */
export function accumulations(effectiveBatchSize: number): number[] {
  const result: number[] = [];
  for (let a = 1; effectiveBatchSize % a === 0 && effectiveBatchSize / a >= smallestMicroBatch; a *= 2) result.push(a);
  return result;
}

interface ProbeOptions {
  readonly ctx: CommandContext;
  readonly run: Run;
  readonly attempt: HeldAttempt;
  readonly train: TrainJob;
  /** Tells the run's subscribers. */
  readonly tell: (event: TrainerEvent) => void;
}

/** Tries until one trial fits; having none that fits is an answer too. A trial that fails otherwise fails the probe. */
export async function probe({ ctx, run, attempt, train, tell }: ProbeOptions): Promise<AttemptOutcome> {
  const stored = await findProbeOfRun(ctx.db.prisma, run.id);
  if (!stored) throw new Error(`run ${run.id} is a memory probe without its row`);
  const base = configOf(run);
  let last: ProbeTrial | undefined;
  for (const accumulation of accumulations(base.effectiveBatchSize)) {
    const config: TrainingConfig = { ...base, accumulation };
    const end = await train({ task: { kind: 'probe', steps }, config });
    if (attempt.reason) return { status: 'CANCELED' };
    const trial = trialOf(end, config, stored.budget);
    await persist(() => recordTrial(ctx, attempt.token, trial));
    for (const event of describeTrial(trial, stored.budget)) tell(event);
    if (trial.outcome === 'FAILED') return outcomeOf(end);
    last = trial;
    if (trial.outcome === 'FITS') break;
  }
  return {
    status: 'SUCCEEDED',
    imagesPerSecond: last?.imagesPerSecond ?? null,
    peakMemory: last?.peakMemory ?? null,
    trainSeconds: null,
  };
}

function trialOf(end: TrainerEnd, config: TrainingConfig, budget: number): ProbeTrial {
  const facts = { accumulation: config.accumulation, microBatchSize: microBatchSize(config) };
  const outcome = outcomeOf(end);
  switch (outcome.status) {
    case 'SUCCEEDED': {
      const peakMemory = outcome.peakMemory ?? 0;
      const fits = peakMemory <= budget ? 'FITS' : 'OVER_BUDGET';
      return { ...facts, peakMemory, outcome: fits, imagesPerSecond: outcome.imagesPerSecond, message: null };
    }
    case 'FAILED': {
      const { code, message } = outcome.failure;
      const kind = code === 'OUT_OF_MEMORY' ? 'OUT_OF_MEMORY' : 'FAILED';
      return { ...facts, peakMemory: null, outcome: kind, imagesPerSecond: null, message };
    }
    case 'CANCELED':
      throw new Error('a trainer does not end CANCELED by itself');
  }
}

function describeTrial(trial: ProbeTrial, budget: number): TrainerEvent[] {
  const { accumulation, microBatchSize: micro, peakMemory, imagesPerSecond, outcome } = trial;
  const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  const peak = peakMemory === null ? 'no peak known' : `peak ${mebibytes(peakMemory)} of ${mebibytes(budget)}`;
  const line = `accumulation ${accumulation}, micro-batch ${micro}: ${peak}: ${outcome}`;
  const point = (name: string, value: number | null) => (value === null ? [] : [{ name, step: accumulation, value }]);
  const points = [...point('probe/peak_memory', peakMemory), ...point('probe/images_per_second', imagesPerSecond)];
  return [{ kind: 'log', stream: 'trainer', line }, ...(points.length ? [{ kind: 'metrics' as const, points }] : [])];
}
