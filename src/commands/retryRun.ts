import { missing, refuse } from '../errors.ts';
import { lockRun } from '../store/run.ts';
import type { CommandContext } from './context.ts';
import { forgetResults } from './failAttempt.ts';
import { changeStatus } from './runStatus.ts';
import { loadTrainingData } from './trainingPlan.ts';
import { inTransaction } from './transaction.ts';

/**
 * Queues a run again that has FAILED or was CANCELED: its next attempt goes on from its last checkpoint. A run that waits or runs stays as it
 * is. Refused for others, and where its experiment has lost its data set.
 */
export async function retryRun(ctx: CommandContext, id: string): Promise<void> {
  const wake = await inTransaction(ctx, async (tx) => {
    const run = await lockRun(tx, id);
    if (!run) throw refuse('NOT_FOUND', missing('run', id), ['id']);
    switch (run.status) {
      case 'QUEUED':
      case 'RUNNING':
        return null;
      case 'CANCELING':
        throw refuse('CONFLICT', `run ${id} is being canceled; try again when it is CANCELED`, ['id']);
      case 'SUCCEEDED':
        throw refuse('CONFLICT', `run ${id} has SUCCEEDED; start another one with its config to train again`, ['id']);
      case 'FAILED':
      case 'CANCELED':
        break;
    }
    if (run.kind === 'EXTERNAL') throw refuse('CONFLICT', `run ${id} is not trained here`, ['id']);
    await loadTrainingData(tx, run.experimentId);
    if (run.kind === 'MEMORY_PROBE') await forgetResults(tx, id);
    await ctx.queue.enqueue(tx, 'run', { runId: id });
    const change = { failure: null, finishedAt: null };
    return changeStatus(ctx, tx, { id, attempt: run.currentAttempt }, [{ status: 'QUEUED', change }]);
  });
  if (wake) ctx.waker.wake(wake);
}
