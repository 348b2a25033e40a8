import type { Transaction } from '../db/database.ts';
import { isTerminal } from '../domain/run.ts';
import { runName } from '../domain/runName.ts';
import { parseTrainingConfig } from '../domain/trainingConfig.ts';
import { missing, refuse, UserInputError, type UserProblem } from '../errors.ts';
import { notify, runCancelChannel } from '../events/waker.ts';
import { findArtifacts } from '../store/artifact.ts';
import { appendEvents } from '../store/event.ts';
import { holdExperiment } from '../store/experiment.ts';
import { deleteRunRow, editRun, findRunUses, insertRuns, lockRun, type NewRun, type Run } from '../store/run.ts';
import { releaseBlobs } from './blobs.ts';
import type { CommandContext } from './context.ts';
import { createOnce } from './createOnce.ts';
import { collect, listed, nameProblems } from './problems.ts';
import { requireQuota } from './quota.ts';
import { changeStatus, type WakeUp } from './runStatus.ts';
import { drawSeedFor } from './seed.ts';
import { createSplitCheck } from './splitCheck.ts';
import { dataProblems, loadTrainingData } from './trainingPlan.ts';
import { inTransaction } from './transaction.ts';

export interface StartRunInput {
  readonly experimentId: string;
  /** Made of architecture, size and item transform when left out. */
  readonly name?: string | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
  /** A TrainingConfigInput, not checked yet. */
  readonly config: unknown;
  readonly idempotencyKey?: string | null | undefined;
}

/** Checks everything, then queues a run. Returns its id. */
export async function startRun(ctx: CommandContext, input: StartRunInput): Promise<string> {
  return createOnce(ctx, 'run', 'startRun', input, async (tx, id) => {
    const parsed = parseTrainingConfig(input.config, ['config']);
    const problems: UserProblem[] = [...nameProblems(input), ...(parsed.problems ?? [])];
    const data = await collect(problems, () => loadTrainingData(tx, input.experimentId));
    if (data) await collect(problems, () => requireQuota(tx, input.experimentId));
    if (data && parsed.config) problems.push(...dataProblems(parsed.config, data, ['config']));
    if (problems.length || !parsed.config || !data) throw new UserInputError(problems);

    const check = createSplitCheck(tx, data);
    const seed = parsed.config.seed ?? (await drawSeedFor([parsed.config], check));
    const config = { ...parsed.config, seed };
    const unseen = await check(config, seed);
    if (unseen !== null) throw refuse('INVALID', unseen, ['config', 'validFraction']);
    const wake = await queueRun(ctx, tx, {
      id,
      name: input.name ?? runName(config),
      kind: 'TRAINED',
      experimentId: input.experimentId,
      sweepId: null,
      config,
      tags: input.tags ?? [],
      createdAt: ctx.now(),
    });
    return [wake];
  });
}

/** Inserts a run with its first event and its job. */
export async function queueRun(ctx: CommandContext, tx: Transaction, run: NewRun): Promise<WakeUp> {
  const [wake] = await queueRuns(ctx, tx, [run]);
  return wake!;
}

/** Inserts runs of one experiment with their first events and their jobs, which workers take in this order. */
export async function queueRuns(ctx: CommandContext, tx: Transaction, runs: readonly NewRun[]): Promise<WakeUp[]> {
  const [first] = runs;
  if (!first) return [];
  if (!(await holdExperiment(tx, first.experimentId))) {
    throw refuse('NOT_FOUND', missing('experiment', first.experimentId), ['experimentId']);
  }
  await insertRuns(tx, runs);
  const status = { kind: 'STATUS', status: 'QUEUED', attempt: 0, failure: null } as const;
  const wakes: WakeUp[] = [];
  for (const run of runs) {
    const { lastSeq } = await appendEvents(tx, run.id, [status], run.createdAt);
    wakes.push({ experimentId: run.experimentId, runId: run.id, seq: lastSeq });
  }
  await ctx.queue.enqueue(tx, 'run', ...runs.map((run) => ({ runId: run.id })));
  return wakes;
}

/**
 * A queued run is CANCELED at once; a running one becomes CANCELING, and its worker ends it. Repeating it does nothing.
 * Refused for a run that has ended otherwise.
 */
export async function cancelRun(ctx: CommandContext, id: string): Promise<void> {
  const canceled = await inTransaction(ctx, async (tx) => {
    const run = await lockOrRefuse(tx, id);
    if (run.status === 'SUCCEEDED' || run.status === 'FAILED') {
      throw refuse('CONFLICT', `run ${id} has already ended (${run.status}) and cannot be canceled`, ['id']);
    }
    return cancelLocked(ctx, tx, [run]);
  });
  await announceCancel(ctx, canceled);
}

/**
 * Cancels locked runs, but for those that have ended. Call announceCancel with what it returns after the commit. The job of a run
 * that had not begun goes, too: a worker would pass over it, which takes it half a second.
 */
export async function cancelLocked(ctx: CommandContext, tx: Transaction, runs: readonly Run[]): Promise<WakeUp[]> {
  const wakes: WakeUp[] = [];
  const queued = runs.filter((run) => run.status === 'QUEUED');
  for (const { id, currentAttempt: attempt } of queued) {
    wakes.push(
      await changeStatus(ctx, tx, { id, attempt }, [{ status: 'CANCELED', change: { finishedAt: ctx.now() } }]),
    );
  }
  for (const { id, currentAttempt: attempt } of runs.filter((run) => run.status === 'RUNNING')) {
    wakes.push(await changeStatus(ctx, tx, { id, attempt }, [{ status: 'CANCELING' }]));
  }
  await ctx.queue.withdraw(tx, 'run', ...queued.map((run) => ({ runId: run.id })));
  return wakes;
}

/** Tells workers and subscribers. A lost message is made good by the workers' heartbeat and the hub's poll. */
export async function announceCancel(ctx: CommandContext, runs: readonly WakeUp[]): Promise<void> {
  for (const run of runs) ctx.waker.wake(run);
  await notify(
    ctx.db,
    runCancelChannel,
    runs.map((run) => run.runId),
  );
}

export interface UpdateRunInput {
  readonly id: string;
  /** Left out: unchanged, as the next two. */
  readonly name?: string | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
  /** An empty text removes them. */
  readonly notes?: string | null | undefined;
}

const longestNotes = 20_000;

/** Changes what people call a run and say about it, in any state. */
export async function updateRun(ctx: CommandContext, input: UpdateRunInput): Promise<void> {
  const problems = nameProblems(input);
  const notes = input.notes ?? '';
  if (notes.length > longestNotes || /[\0\p{Surrogate}]/u.test(notes)) {
    const message = `must have at most ${longestNotes} characters, none of them U+0000`;
    problems.push({ code: 'INVALID', message, path: ['notes'] });
  }
  if (problems.length) throw new UserInputError(problems);
  await inTransaction(ctx, async (tx) => {
    await lockOrRefuse(tx, input.id);
    const { name, tags, notes } = input;
    await editRun(tx, input.id, {
      name: name ?? undefined,
      tags: tags ?? undefined,
      notes: notes === '' ? null : (notes ?? undefined),
    });
  });
}

/** Removes a run with everything measured, predicted and left. Refused while it is under way or something is made of it. */
export async function deleteRun(ctx: CommandContext, id: string): Promise<void> {
  const artifacts = await inTransaction(ctx, async (tx) => {
    const run = await lockOrRefuse(tx, id);
    if (!isTerminal(run.status)) throw refuse('CONFLICT', `run ${id} is ${run.status}; cancel it first`, ['id']);
    const uses = await findRunUses(tx, id);
    if (uses.length) {
      const first = `delete ${uses.length === 1 ? 'that' : 'those'} first`;
      throw refuse('CONFLICT', `run ${JSON.stringify(run.name)} is used by ${listed(uses)}; ${first}`, ['id']);
    }
    const left = await findArtifacts(tx, [id]);
    await deleteRunRow(tx, id);
    return left;
  });
  await releaseBlobs(ctx, artifacts);
}

async function lockOrRefuse(tx: Transaction, id: string): Promise<Run> {
  const run = await lockRun(tx, id);
  if (!run) throw refuse('NOT_FOUND', missing('run', id), ['id']);
  return run;
}
