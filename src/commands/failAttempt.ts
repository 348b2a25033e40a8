import type { Transaction } from '../db/database.ts';
import { exhausted, retryDelay } from '../domain/retry.ts';
import type { RunFailure } from '../domain/run.ts';
import { type AttemptToken, closeAttempt, deleteResults, lockAttempt } from '../store/attempt.ts';
import { countFailures, releaseAttempt } from '../store/lease.ts';
import { lockRun, resetRunFigures, updateRunFigures } from '../store/run.ts';
import type { CommandContext } from './context.ts';
import { changeStatus, type WakeUp } from './runStatus.ts';
import { inTransaction } from './transaction.ts';

export interface FailedAttempt {
  readonly failure: RunFailure;
  /** Bytes that the trainer was seen to have, if more than it told itself. */
  readonly peakMemory?: number | undefined;
}

/**
 * Ends an attempt that failed. By the policy of retries its run is FAILED, or QUEUED for the next attempt, which goes on from its
 * checkpoints; a run being canceled, which would be tried again, is CANCELED. `stale`: it was in other hands already.
 */
export async function failAttempt(
  ctx: CommandContext,
  token: AttemptToken,
  { failure, peakMemory }: FailedAttempt,
): Promise<'ok' | 'stale'> {
  const wake = await inTransaction(ctx, async (tx) => {
    const held = await lockAttempt(tx, token);
    if (!held) return null;
    const finishedAt = ctx.now();
    const verdict = await judge(ctx, tx, token.runId, failure);
    const canceled = held.status === 'CANCELING' && verdict.delay !== null;
    await closeAttempt(tx, token, { status: canceled ? 'CANCELED' : 'FAILED', finishedAt, failure });
    await releaseAttempt(tx, token);
    await updateRunFigures(tx, token.runId, { peakMemory });
    const at = { id: token.runId, attempt: token.attempt };
    if (canceled) return changeStatus(ctx, tx, at, [{ status: 'CANCELED', change: { finishedAt } }]);
    return verdict.delay === null
      ? changeStatus(ctx, tx, at, [{ status: 'FAILED', change: { finishedAt, failure: verdict.failure } }])
      : queueAgain(ctx, tx, token, failure, verdict.delay);
  });
  if (wake) ctx.waker.wake(wake);
  return wake ? 'ok' : 'stale';
}

/** What follows a failure of a locked run, before the attempt is closed: the run's failure, or in how many seconds it is tried again. */
export async function judge(
  ctx: CommandContext,
  tx: Transaction,
  runId: string,
  failure: RunFailure,
): Promise<{ readonly failure: RunFailure; readonly delay: number | null }> {
  const failed = (await countFailures(tx, runId)) + 1;
  const delay = retryDelay(failure, failed, ctx.retries);
  return { failure: failure.retryable ? exhausted(failure, failed) : failure, delay };
}

/** Puts a run whose attempt has failed back into the queue, before all that wait there. */
export async function queueAgain(
  ctx: CommandContext,
  tx: Transaction,
  { runId, attempt }: AttemptToken,
  failure: RunFailure,
  delay: number,
): Promise<WakeUp> {
  if ((await lockRun(tx, runId))?.kind === 'MEMORY_PROBE') await forgetResults(tx, runId);
  await ctx.queue.requeue(tx, 'run', { runId }, delay);
  const change = { nextAttemptAt: new Date(ctx.now().getTime() + delay * 1000) };
  return changeStatus(ctx, tx, { id: runId, attempt }, [{ status: 'QUEUED', change, retried: failure }]);
}

/** The next attempt starts over. The log and the events stay. */
export async function forgetResults(tx: Transaction, runId: string): Promise<void> {
  await deleteResults(tx, runId);
  await resetRunFigures(tx, runId);
}
