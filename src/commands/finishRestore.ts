import type { RunStatus } from '../domain/run.ts';
import { dropRestoreMarker, findInterrupted, isRestoring } from '../store/restore.ts';
import { requeueAttempt } from './attempt.ts';
import type { CommandContext } from './context.ts';
import { inTransaction } from './transaction.ts';

/**
 * Gives the runs and imports of a restored database their jobs: what was RUNNING goes back to the queue and goes on from its
 * checkpoints, what was being canceled is CANCELED. Nothing happens in a database that was not restored, or is finished. After a kill
 * at any moment the next call goes on.
 */
export async function finishRestore(ctx: CommandContext): Promise<boolean> {
  if (!(await isRestoring(ctx.db.prisma))) return false;
  const { runs, imports } = await findInterrupted(ctx.db.prisma);
  const waiting: readonly RunStatus[] = ['QUEUED'];
  const queued = runs.filter(({ status }) => waiting.includes(status));
  await inTransaction(ctx, async (tx) => {
    if (queued.length) await ctx.queue.enqueue(tx, 'run', ...queued.map(({ id }) => ({ runId: id })));
    if (imports.length) await ctx.queue.enqueue(tx, 'dataset.import', ...imports.map((datasetId) => ({ datasetId })));
  });
  for (const { id, status, currentAttempt } of runs) {
    if (!waiting.includes(status)) await requeueAttempt(ctx, { runId: id, attempt: currentAttempt });
  }
  await dropRestoreMarker(ctx.db.prisma);
  return true;
}
