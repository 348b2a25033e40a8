/** One attempt to train a run, and what follows when memory runs out. */

import type { AttemptOutcome } from '../commands/attempt.ts';
import { raiseAccumulation } from '../commands/attempt.ts';
import { outcomeWithin } from '../domain/memoryProbe.ts';
import type { RunFailure } from '../domain/run.ts';
import { doubledAccumulation, microBatchSize, type TrainingConfig } from '../domain/trainingConfig.ts';
import { findMeasurements } from '../store/memoryMeasurement.ts';
import { configOf } from './jobParts.ts';
import { type MemoryLimit, tightest } from './memoryLimit.ts';
import { failureOf, type TaskOptions, type TaskOutcome } from './outcome.ts';
import { persist } from './persist.ts';
import type { TrainerEnd } from './trainerProcess.ts';

/** Trains once. With `autoAccumulation` memory that runs out asks for another attempt, with twice the accumulation. */
export async function trainToEnd(options: TaskOptions): Promise<TaskOutcome> {
  const { run, machine, train, tell } = options;
  const given = configOf(run);
  const limit = tightest(machine.memoryLimit, machine.memoryLimit && budgetOf(given));
  // What has come to a checkpoint fits.
  const unknown = given.autoAccumulation && !options.resumed;
  const config = unknown && limit ? await skipKnown(given, limit, options) : given;
  const end = await train({ task: { kind: 'train' }, config }, limit);
  const failure = failureOf(end);
  if (!failure) return succeeded(end);
  if (failure.code !== 'OUT_OF_MEMORY') return { status: 'FAILED', failure };

  const next = doubledAccumulation(config);
  const at = `memory ran out with accumulation ${config.accumulation}, micro-batches of ${microBatchSize(config)}`;
  const explained = (what: string): RunFailure => ({ ...failure, message: `${at}${what}: ${failure.message}` });
  const failed = (what: string): TaskOutcome => ({
    ...{ status: 'FAILED', failure: explained(what) },
    peakMemory: end.kind === 'overLimit' ? end.peakMemory : undefined,
  });
  if (!next) return failed(`, which cannot be halved; ${lastResort}`);
  if (!config.autoAccumulation) {
    return failed(
      `; use accumulation ${next.accumulation} or autoAccumulation, lower effectiveBatchSize or size, or allow more memory`,
    );
  }
  const retried = `tried again with ${next.accumulation}`;
  await tell({ kind: 'log', stream: 'trainer', line: `${at}: ${retried}` });
  return { status: 'RETRY', failure: explained(`, ${retried}`), accumulation: next.accumulation };
}

const lastResort =
  'use a smaller size or architecture, or allow more memory (memoryBudget of the config, RUNGRAPH_MEMORY_BYTES of the worker)';

function budgetOf({ memoryBudget }: TrainingConfig): MemoryLimit | null {
  return memoryBudget ? { bytes: memoryBudget, name: "the run's memoryBudget" } : null;
}

/** Raises the accumulation past what memory probes have found to be too much. */
async function skipKnown(given: TrainingConfig, limit: MemoryLimit, options: TaskOptions): Promise<TrainingConfig> {
  const { ctx, attempt, machine, tell } = options;
  const choices: TrainingConfig[] = [];
  for (let c: TrainingConfig | null = given; c; c = doubledAccumulation(c)) choices.push(c);
  const known = await findMeasurements(ctx.db.prisma, { ...machine, ...given }, choices.map(microBatchSize));
  const isTooMuch = (config: TrainingConfig) => {
    const measured = known.get(microBatchSize(config));
    const outcome = measured && outcomeWithin(limit.bytes, measured);
    return outcome === 'OVER_BUDGET' || outcome === 'OUT_OF_MEMORY';
  };
  const config = choices.find((choice) => !isTooMuch(choice)) ?? choices.at(-1)!;
  if (config === given) return given;
  const line = `accumulation ${config.accumulation} instead of ${given.accumulation}: a memory probe has found that less of it needs more than ${limit.name}`;
  await tell({ kind: 'log', stream: 'trainer', line });
  await persist(() => raiseAccumulation(ctx, attempt.token, config.accumulation));
  return config;
}

function succeeded(end: TrainerEnd): AttemptOutcome {
  if (end.kind !== 'reported' || end.event.kind !== 'finished') throw new Error('a training ended without an end');
  const { imagesPerSecond, peakMemory, trainSeconds } = end.event;
  return { status: 'SUCCEEDED', imagesPerSecond, peakMemory, trainSeconds };
}
