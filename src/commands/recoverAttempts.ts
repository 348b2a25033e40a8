import { type AttemptToken, lockAttempt } from '../store/attempt.ts';
import { findAttemptsOfMachine, findConfirmation, type HeldElsewhere } from '../store/lease.ts';
import type { CommandContext } from './context.ts';
import { inTransaction } from './transaction.ts';

/**
 * Has the jobs of attempts delivered again whose workers lived on this machine and are dead: sooner than the queue would notice.
 * Whoever gets one takes over as from any other worker. Returns the attempts.
 * @param isDead whether the worker's process, on this machine, is surely gone
 */
export async function recoverAttempts(
  ctx: CommandContext,
  here: { readonly machine: string; readonly workerId: string },
  isDead: (worker: Pick<HeldElsewhere, 'pid' | 'pidStart'>) => boolean,
): Promise<AttemptToken[]> {
  const recovered: AttemptToken[] = [];
  const elsewhere = await findAttemptsOfMachine(ctx.db.prisma, here.machine, here.workerId);
  for (const { runId, attempt } of elsewhere.filter(isDead)) {
    const token = { runId, attempt };
    const done = await inTransaction(ctx, async (tx) => {
      // Another worker may have taken it over since.
      const confirmed = (await lockAttempt(tx, token)) && (await findConfirmation(tx, token));
      return confirmed !== null && ctx.queue.redeliver(tx, 'run', { runId }, confirmed);
    });
    if (done) recovered.push(token);
  }
  return recovered;
}
