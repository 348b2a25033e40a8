import { smallestLabel } from '../domain/dataset.ts';
import { parseTrainingConfig } from '../domain/trainingConfig.ts';
import { UserInputError, type UserProblem } from '../errors.ts';
import { type AttemptToken, lockAttempt } from '../store/attempt.ts';
import { findProbeOfRun, insertProbe, type ProbeTrial, putTrial, setRecommendation } from '../store/probe.ts';
import type { Written } from './attempt.ts';
import type { CommandContext } from './context.ts';
import { createOnce } from './createOnce.ts';
import { collect } from './problems.ts';
import { queueRun, withSeed } from './run.ts';
import { loadTrainingData } from './trainingPlan.ts';
import { inTransaction } from './transaction.ts';

export interface ProbeMemoryInput {
  readonly experimentId: string;
  readonly architecture: string;
  readonly size: { readonly height: number; readonly width: number };
  /** Crop to `size` when left out. */
  readonly itemTransform?: unknown;
  readonly precision?: string | null | undefined;
  /** 64 when left out. */
  readonly effectiveBatchSize?: number | null | undefined;
  /** Bytes that the trainer process may not exceed. */
  readonly budgetBytes: number;
  readonly idempotencyKey?: string | null | undefined;
}

/** Queues a run of kind MEMORY_PROBE that tries accumulation 1, 2, 4 … until the peak is within the budget. Returns the probe's id. */
export async function probeMemory(ctx: CommandContext, input: ProbeMemoryInput): Promise<string> {
  return createOnce(ctx, 'probe', 'probeMemory', input, async (tx, id) => {
    const { architecture, size, itemTransform, precision, effectiveBatchSize } = input;
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
    const problems: UserProblem[] = [...(parsed.problems ?? [])];
    if (!Number.isSafeInteger(input.budgetBytes) || input.budgetBytes < 1) {
      problems.push({
        code: 'INVALID',
        message: `must be a positive number of bytes, got ${input.budgetBytes}`,
        path: ['budget'],
      });
    }
    const data = await collect(problems, () => loadTrainingData(tx, input.experimentId));
    const label = data && smallestLabel(data.labelCounts)?.label;
    if (data && label === undefined) {
      problems.push({ code: 'CONFLICT', message: 'the data set has no training images', path: ['experimentId'] });
    }
    if (problems.length || !parsed.config || label === undefined) throw new UserInputError(problems);

    // On the images of the smallest class: memory does not depend on which, and few are quickly decoded.
    const config = { ...withSeed(parsed.config), labels: [label] };
    const createdAt = ctx.now();
    const run = {
      id: ctx.newId('run'),
      name: `memory probe ${config.architecture} ${size.height}x${size.width}`,
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
      architecture: config.architecture,
      size: config.size,
      precision: config.precision,
      effectiveBatchSize: config.effectiveBatchSize,
      budget: input.budgetBytes,
    });
    return [wake];
  });
}

/** Stores a trial of a probe's running attempt. The first one that FITS is the recommendation: trials go up in accumulation. */
export async function recordTrial(ctx: CommandContext, token: AttemptToken, trial: ProbeTrial): Promise<Written> {
  return inTransaction(ctx, async (tx) => {
    if (!(await lockAttempt(tx, token))) return 'stale';
    const probe = await findProbeOfRun(tx, token.runId);
    if (!probe) throw new Error(`run ${token.runId} is no memory probe`);
    await putTrial(tx, probe.id, trial);
    if (trial.outcome === 'FITS' && probe.recommendation === null) {
      await setRecommendation(tx, probe.id, trial.accumulation);
    }
    return 'ok';
  });
}
