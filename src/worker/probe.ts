/** Memory probes: accumulation 1, 2, 4 … until the peak is within the budget, each trial in a fresh process. */

import type { AttemptOutcome } from '../commands/attempt.ts';
import { recordTrial } from '../commands/probe.ts';
import type { TrainerEvent } from '../domain/trainer.ts';
import { doubledAccumulation, microBatchSize, type TrainingConfig } from '../domain/trainingConfig.ts';
import { findProbeOfRun, type ProbeTrial } from '../store/probe.ts';
import { configOf } from './jobParts.ts';
import { outcomeOf, type TaskOptions } from './outcome.ts';
import { persist } from './persist.ts';
import type { TrainerEnd } from './trainerProcess.ts';

/** Optimiser steps of one trial: the first allocates everything, the second shows that nothing more is needed. */
const steps = 2;

/** Tries until one trial fits; having none that fits is an answer too. A trial that fails otherwise fails the probe. */
export async function probe({ ctx, run, attempt, train, tell }: TaskOptions): Promise<AttemptOutcome> {
  const stored = await findProbeOfRun(ctx.db.prisma, run.id);
  if (!stored) throw new Error(`run ${run.id} is a memory probe without its row`);
  let last: ProbeTrial | undefined;
  let config: TrainingConfig | null = { ...configOf(run), accumulation: 1 };
  for (; config && last?.outcome !== 'FITS'; config = doubledAccumulation(config)) {
    const end = await train({ task: { kind: 'probe', steps }, config });
    if (attempt.reason) return { status: 'CANCELED' };
    const trial = trialOf(end, config, stored.budget);
    await persist(() => recordTrial(ctx, attempt.token, trial));
    for (const event of describeTrial(trial, stored.budget)) await tell(event);
    if (trial.outcome === 'FAILED') return outcomeOf(end);
    last = trial;
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
