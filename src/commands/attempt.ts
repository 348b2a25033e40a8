/**
 * An attempt's life, seen from its worker: begin, record, settle. Each checks the fencing token under the run's row lock, so
 * that a worker that was given up can change nothing, however late it comes.
 */

import type { Transaction } from '../db/database.ts';
import type { RunFailure } from '../domain/run.ts';
import { completeConfig } from '../domain/trainingConfig.ts';
import { type Artifact, insertArtifact } from '../store/artifact.ts';
import {
  type AttemptToken,
  closeAttempt,
  insertAttempt,
  lockAttempt,
  setAttemptAccumulation,
  setAttemptPid,
} from '../store/attempt.ts';
import { confirmAttempts, releaseAttempt } from '../store/lease.ts';
import { lockRun, type Run, setAccumulation, setRunFigures } from '../store/run.ts';
import { holdBlobs, releaseBlobs } from './blobs.ts';
import { removeCheckpoints, thinCheckpoints } from './checkpoints.ts';
import type { CommandContext } from './context.ts';
import { type FailedAttempt, failAttempt, forgetResults, judge, queueAgain } from './failAttempt.ts';
import { changeStatus, type StatusMove, type WakeUp } from './runStatus.ts';
import { inTransaction } from './transaction.ts';

/** What a write of an attempt came to: `stale` means another has taken over, or the run has ended. */
export type Written = 'ok' | 'stale';

export interface BegunAttempt {
  readonly attempt: number;
  /** As it was when the attempt began. */
  readonly run: Run;
}

/**
 * Starts the next attempt of a run. Null when the run is no longer wanted or in other hands.
 * @param request.redelivered the job's former worker was lost: its attempt is closed, and the next one goes on from its checkpoints
 */
export async function beginAttempt(
  ctx: CommandContext,
  request: { readonly runId: string; readonly workerId: string; readonly redelivered: boolean },
): Promise<BegunAttempt | null> {
  const { runId, workerId, redelivered } = request;
  const begun = await inTransaction(ctx, async (tx) => {
    const run = await lockRun(tx, runId);
    if (!run) return null;
    const former: AttemptToken = { runId, attempt: run.currentAttempt };
    const at = { id: runId, attempt: run.currentAttempt };
    switch (run.status) {
      case 'QUEUED':
        return { wake: await start(ctx, tx, run, workerId), run };
      case 'RUNNING': {
        if (!redelivered) return null;
        const failure = lost(former.attempt);
        const verdict = await judge(ctx, tx, runId, failure);
        await closeAttempt(tx, former, { status: 'FAILED', finishedAt: ctx.now(), failure });
        if (verdict.delay === null) {
          const change = { failure: verdict.failure, finishedAt: ctx.now() };
          return { wake: await changeStatus(ctx, tx, at, [{ status: 'FAILED', change }]) };
        }
        if (verdict.delay > 0) return { wake: await queueAgain(ctx, tx, former, failure, verdict.delay) };
        if (run.kind === 'MEMORY_PROBE') await forgetResults(tx, runId);
        return { wake: await start(ctx, tx, run, workerId, { status: 'QUEUED', retried: failure }), run };
      }
      case 'CANCELING': {
        if (!redelivered) return null;
        const finishedAt = ctx.now();
        await closeAttempt(tx, former, { status: 'CANCELED', finishedAt, failure: null });
        return { wake: await changeStatus(ctx, tx, at, [{ status: 'CANCELED', change: { finishedAt } }]) };
      }
      case 'SUCCEEDED':
      case 'FAILED':
      case 'CANCELED':
        return null;
    }
  });
  if (!begun) return null;
  ctx.waker.wake(begun.wake);
  return begun.run ? { attempt: begun.run.currentAttempt + 1, run: begun.run } : null;
}

async function start(
  ctx: CommandContext,
  tx: Transaction,
  run: Run,
  workerId: string,
  ...before: readonly StatusMove[]
): Promise<WakeUp> {
  const number = run.currentAttempt + 1;
  const startedAt = ctx.now();
  const accumulation = run.kind === 'TRAINED' ? (run.config.accumulation as number) : null;
  await insertAttempt(tx, { runId: run.id, number, workerId, startedAt, accumulation });
  const wake = await changeStatus(ctx, tx, { id: run.id, attempt: run.currentAttempt }, [
    ...before,
    { status: 'RUNNING', change: { currentAttempt: number, startedAt: run.startedAt ?? startedAt } },
  ]);
  await confirmAttempts(tx, [{ runId: run.id, attempt: number }]);
  return wake;
}

/**
 * Stores which process is about to compute the attempt (and when it started, where that can be told): for device readings, and for
 * whoever takes over, who must know what to wait for. A process that is not stored must not compute.
 */
export async function recordTrainerPid(
  ctx: CommandContext,
  token: AttemptToken,
  pid: number,
  start: string | null = null,
): Promise<Written> {
  return inTransaction(ctx, async (tx) => {
    if (!(await lockAttempt(tx, token))) return 'stale';
    await setAttemptPid(tx, token, pid, start);
    return 'ok';
  });
}

/** A file of a run whose bytes are among the blobs. */
export type KeptArtifact = Pick<Artifact, 'kind' | 'name' | 'size' | 'contentHash'>;

export type AttemptOutcome =
  | {
      readonly status: 'SUCCEEDED';
      readonly imagesPerSecond: number | null;
      /** Bytes. */
      readonly peakMemory: number | null;
      readonly trainSeconds: number | null;
      /** Files it leaves, already among the blobs. */
      readonly artifacts?: readonly KeptArtifact[];
    }
  | ({ readonly status: 'FAILED' } & FailedAttempt)
  | { readonly status: 'CANCELED' };

/**
 * Ends an attempt and its run, unless the attempt failed in a way that another may not: see failAttempt. Artifacts are there from the
 * moment that the run has SUCCEEDED, all of them or none.
 */
export async function settleAttempt(
  ctx: CommandContext,
  token: AttemptToken,
  outcome: AttemptOutcome,
): Promise<Written> {
  if (outcome.status === 'FAILED') return failAttempt(ctx, token, outcome);
  const artifacts = outcome.status === 'SUCCEEDED' ? (outcome.artifacts ?? []) : [];
  const settled = await inTransaction(ctx, async (tx) => {
    const held = await lockAttempt(tx, token);
    if (!held) return null;
    const finishedAt = ctx.now();
    await closeAttempt(tx, token, { status: outcome.status, finishedAt, failure: null });
    await releaseAttempt(tx, token);
    if (outcome.status === 'SUCCEEDED') await setRunFigures(tx, token.runId, outcome);
    const removed = outcome.status === 'SUCCEEDED' ? await keepForGood(tx, token.runId) : [];
    await holdBlobs(
      ctx,
      tx,
      artifacts.map((artifact) => artifact.contentHash),
    );
    for (const artifact of artifacts) {
      await insertArtifact(tx, { ...artifact, id: ctx.newId('artifact'), runId: token.runId, createdAt: finishedAt });
    }
    const wake = await changeStatus(ctx, tx, { id: token.runId, attempt: token.attempt }, [
      // A worker may notice a cancel that the server has not stored, never the other way round.
      ...(outcome.status === 'CANCELED' && held.status === 'RUNNING' ? [{ status: 'CANCELING' as const }] : []),
      { status: outcome.status, change: { finishedAt } },
    ]);
    return { wake, removed };
  });
  // What a stale attempt has stored may be what the next one is about to name: it is left to the garbage collection.
  if (!settled) return 'stale';
  ctx.waker.wake(settled.wake);
  await releaseBlobs(ctx, settled.removed);
  return 'ok';
}

/** Of a training that has succeeded only those checkpoints stay that its policy keeps for good. */
async function keepForGood(tx: Transaction, runId: string): Promise<Artifact[]> {
  const run = (await lockRun(tx, runId))!;
  return run.kind === 'TRAINED'
    ? thinCheckpoints(tx, runId, { ...completeConfig(run.config).checkpoints, keepLast: 0 })
    : [];
}

/** Gives a run back because its worker stops: another one goes on from its checkpoints. A run being canceled is canceled. */
export async function requeueAttempt(ctx: CommandContext, token: AttemptToken): Promise<Written> {
  const wake = await inTransaction(ctx, async (tx) => {
    const held = await lockAttempt(tx, token);
    if (!held) return null;
    const finishedAt = ctx.now();
    const status = held.status === 'CANCELING' ? 'CANCELED' : 'QUEUED';
    await closeAttempt(tx, token, { status, finishedAt, failure: null });
    await releaseAttempt(tx, token);
    if (status === 'QUEUED') {
      if ((await lockRun(tx, token.runId))?.kind === 'MEMORY_PROBE') await forgetResults(tx, token.runId);
      await ctx.queue.requeue(tx, 'run', { runId: token.runId }, 0);
    }
    const change = status === 'CANCELED' ? { finishedAt } : {};
    return changeStatus(ctx, tx, { id: token.runId, attempt: token.attempt }, [{ status, change }]);
  });
  if (wake) ctx.waker.wake(wake);
  return wake ? 'ok' : 'stale';
}

/**
 * Gives an attempt up that ran out of memory and starts the next one at once, by the same worker, with a higher accumulation, which
 * the run's config says from now on. Null when the attempt is stale, or its run was being canceled, which it is then.
 */
export async function retryAttempt(
  ctx: CommandContext,
  token: AttemptToken,
  retry: { readonly workerId: string; readonly failure: RunFailure; readonly accumulation: number },
): Promise<BegunAttempt | null> {
  const { workerId, failure, accumulation } = retry;
  const begun = await inTransaction(ctx, async (tx) => {
    const held = await lockAttempt(tx, token);
    if (!held) return null;
    const finishedAt = ctx.now();
    await releaseAttempt(tx, token);
    if (held.status === 'CANCELING') {
      await closeAttempt(tx, token, { status: 'CANCELED', finishedAt, failure });
      const at = { id: token.runId, attempt: token.attempt };
      return { wake: await changeStatus(ctx, tx, at, [{ status: 'CANCELED', change: { finishedAt } }]) };
    }
    await closeAttempt(tx, token, { status: 'FAILED', finishedAt, failure });
    const removed = await startOver(tx, token.runId, accumulation);
    const run = (await lockRun(tx, token.runId))!;
    return { wake: await start(ctx, tx, run, workerId, { status: 'QUEUED', retried: failure }), run, removed };
  });
  if (!begun) return null;
  ctx.waker.wake(begun.wake);
  await releaseBlobs(ctx, begun.removed ?? []);
  return begun.run ? { attempt: begun.run.currentAttempt + 1, run: begun.run } : null;
}

/** Raises the accumulation of an attempt that has not begun to train, and with it its run's. */
export async function raiseAccumulation(
  ctx: CommandContext,
  token: AttemptToken,
  accumulation: number,
): Promise<Written> {
  const removed = await inTransaction(ctx, async (tx) => {
    if (!(await lockAttempt(tx, token))) return null;
    const removed = await startOver(tx, token.runId, accumulation);
    await setAttemptAccumulation(tx, token, accumulation);
    return removed;
  });
  if (!removed) return 'stale';
  await releaseBlobs(ctx, removed);
  return 'ok';
}

/** Other micro-batches are another training: nothing of the former one stays. Release the blobs of what it returns after the commit. */
async function startOver(tx: Transaction, runId: string, accumulation: number): Promise<Artifact[]> {
  await forgetResults(tx, runId);
  await setAccumulation(tx, runId, accumulation);
  return removeCheckpoints(tx, runId);
}

function lost(attempt: number): RunFailure {
  return {
    code: 'LEASE_LOST',
    message: `the worker of attempt ${attempt} stopped answering (it or its machine was killed, or lost the database)`,
    retryable: true,
  };
}
