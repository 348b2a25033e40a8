import { smallestLabel } from '../domain/dataset.ts';
import type { AccumulationEquivalence, Measurement } from '../domain/memoryProbe.ts';
import type { RunFailure } from '../domain/run.ts';
import { leastMemoryBudget, parseTrainingConfig, type TrainingConfig } from '../domain/trainingConfig.ts';
import { UserInputError, type UserProblem } from '../errors.ts';
import { type AttemptToken, lockAttempt } from '../store/attempt.ts';
import { type MeasuredSetup, putMeasurement } from '../store/memoryMeasurement.ts';
import {
  insertProbe,
  type ProbeTrial,
  putTrial,
  setEquivalence,
  setProbeMachine,
  setRecommendation,
  setTargetFailure,
  type TargetKey,
} from '../store/probe.ts';
import type { Queryable } from '../store/queryable.ts';
import type { Written } from './attempt.ts';
import type { CommandContext } from './context.ts';
import { createOnce } from './createOnce.ts';
import { collect, distinct } from './problems.ts';
import { queueRun } from './run.ts';
import { drawSeed } from './seed.ts';
import { loadTrainingData } from './trainingPlan.ts';
import { inTransaction } from './transaction.ts';

export interface ProbeTargetInput {
  readonly architecture: string;
  readonly size: { readonly height: number; readonly width: number };
  /** Crop to `size` when left out. */
  readonly itemTransform?: unknown;
  readonly precision?: string | null | undefined;
}

export interface ProbeMemoryInput {
  readonly experimentId: string;
  readonly targets: readonly ProbeTargetInput[];
  /** 64 when left out. */
  readonly effectiveBatchSize?: number | null | undefined;
  /** Bytes that the trainer process may not exceed. */
  readonly budgetBytes: number;
  /** Measure again what earlier probes have measured. */
  readonly refresh?: boolean | null | undefined;
  /** Compare the gradients of the accumulation recommended with those of one micro-batch. */
  readonly equivalence?: boolean | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** Targets of one probe at most. */
const mostTargets = 50;

/**
 * Queues a run of kind MEMORY_PROBE that tries accumulation 1, 2, 4 … of every target until the peak is within the budget. Nothing is
 * queued when a target is wrong. Returns the probe's id.
 */
export async function probeMemory(ctx: CommandContext, input: ProbeMemoryInput): Promise<string> {
  return createOnce(ctx, 'probe', 'probeMemory', input, async (tx, id) => {
    const lists = listProblems(input);
    const { configs, problems: wrong } = lists.length ? { configs: [], problems: lists } : parseTargets(input);
    const problems = [...wrong];
    if (!Number.isSafeInteger(input.budgetBytes) || input.budgetBytes < leastMemoryBudget) {
      const message = `must be at least ${leastMemoryBudget} bytes (64 MiB), got ${input.budgetBytes}`;
      problems.push({ code: 'INVALID', message, path: ['budget'] });
    }
    const data = await collect(problems, () => loadTrainingData(tx, input.experimentId));
    const label = data && smallestLabel(data.labelCounts)?.label;
    if (data && label === undefined) {
      problems.push({ code: 'CONFLICT', message: 'the data set has no training images', path: ['experimentId'] });
    }
    const [first] = configs;
    if (problems.length || !first || label === undefined) throw new UserInputError(problems);

    // On the images of the smallest class: memory does not depend on which, and few are quickly decoded.
    const config = { ...first, seed: first.seed ?? drawSeed(), labels: [label] };
    const createdAt = ctx.now();
    const { architecture, size } = first;
    const others = configs.length > 1 ? ` and ${configs.length - 1} more` : '';
    const run = {
      id: ctx.newId('run'),
      name: `memory probe ${architecture} ${size.height}x${size.width}${others}`,
      kind: 'MEMORY_PROBE',
      experimentId: input.experimentId,
      sweepId: null,
      config,
      tags: [],
      createdAt,
    } as const;
    const wake = await queueRun(ctx, tx, run);
    await insertProbe(tx, {
      id,
      runId: run.id,
      createdAt,
      effectiveBatchSize: config.effectiveBatchSize,
      budget: input.budgetBytes,
      refresh: input.refresh ?? false,
      equivalence: input.equivalence ?? false,
      targets: configs,
    });
    return [wake];
  });
}

function listProblems({ targets }: ProbeMemoryInput): UserProblem[] {
  if (!targets.length) return [{ code: 'INVALID', message: 'name at least one', path: ['targets'] }];
  if (targets.length <= mostTargets) return [];
  const message = `a probe may have ${mostTargets} targets, got ${targets.length}`;
  return [{ code: 'LIMIT_EXCEEDED', message, path: ['targets'] }];
}

/** A config per target, and what is wrong with any, each with the path of its field. */
function parseTargets({ targets, effectiveBatchSize }: ProbeMemoryInput) {
  const configs: TrainingConfig[] = [];
  const problems: UserProblem[] = [];
  for (const [i, { architecture, size, itemTransform, precision }] of targets.entries()) {
    const parsed = parseTrainingConfig({
      architecture,
      size,
      itemTransform: itemTransform ?? { size },
      precision,
      effectiveBatchSize,
      // What is learned does not matter to memory.
      pretrained: false,
      epochs: 1,
    });
    const at = ['targets', String(i)];
    if (parsed.config) {
      const key = keyOf(parsed.config);
      const former = configs.findIndex((config) => keyOf(config) === key);
      if (former >= 0) problems.push({ code: 'INVALID', message: `is the same as target ${former}`, path: at });
      configs.push(parsed.config);
    }
    for (const problem of parsed.problems ?? []) {
      const shared = problem.path[0] === 'effectiveBatchSize';
      problems.push(shared ? problem : { ...problem, path: [...at, ...problem.path] });
    }
  }
  return { configs, problems: distinct(problems) };
}

function keyOf({ architecture, size, itemTransform, precision }: TrainingConfig): string {
  return JSON.stringify([architecture, size.height, size.width, itemTransform, precision]);
}

/** Stores what a probe's running attempt measures on. */
export async function recordProbeMachine(
  ctx: CommandContext,
  token: AttemptToken,
  probeId: string,
  { engine, device }: { readonly engine: string; readonly device: string },
): Promise<Written> {
  return whileHeld(ctx, token, (tx) => setProbeMachine(tx, probeId, { engine, device }));
}

/** What a trial has measured, and of what. */
export interface NewMeasurement extends Measurement {
  readonly setup: MeasuredSetup;
}

/**
 * Stores a trial of a probe's running attempt. The first of a target that FITS is its recommendation: trials go up in accumulation.
 * @param measured for later probes; null when there is nothing new to tell them
 */
export async function recordTrial(
  ctx: CommandContext,
  token: AttemptToken,
  target: TargetKey,
  trial: ProbeTrial,
  measured: NewMeasurement | null,
): Promise<Written> {
  return whileHeld(ctx, token, async (tx) => {
    await putTrial(tx, target, trial);
    if (trial.outcome === 'FITS') await setRecommendation(tx, target, trial.accumulation);
    if (measured) {
      const { setup, ...measurement } = measured;
      await putMeasurement(tx, setup, trial.microBatchSize, measurement, ctx.now());
    }
  });
}

/** Stores why a target could not be measured, or not all of it. */
export async function recordTargetFailure(
  ctx: CommandContext,
  token: AttemptToken,
  target: TargetKey,
  failure: RunFailure,
): Promise<Written> {
  return whileHeld(ctx, token, (tx) => setTargetFailure(tx, target, failure));
}

/** Stores how accumulated gradients compare with those of one micro-batch. */
export async function recordEquivalence(
  ctx: CommandContext,
  token: AttemptToken,
  target: TargetKey,
  equivalence: AccumulationEquivalence,
): Promise<Written> {
  return whileHeld(ctx, token, (tx) => setEquivalence(tx, target, equivalence));
}

async function whileHeld(
  ctx: CommandContext,
  token: AttemptToken,
  write: (tx: Queryable) => Promise<void>,
): Promise<Written> {
  return inTransaction(ctx, async (tx) => {
    if (!(await lockAttempt(tx, token))) return 'stale';
    await write(tx);
    return 'ok';
  });
}
