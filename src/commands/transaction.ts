import type { Transaction } from '../db/database.ts';
import type { CommandContext } from './context.ts';

/** Prisma gives up after 5 s by default; a batch behind a busy database or a big prediction set may take longer (milliseconds). */
const limits = { maxWait: 30_000, timeout: 60_000 };

/**
 * Everything `work` does through `tx` happens, or nothing does. A process that freezes in the middle (SIGSTOP, a suspended
 * laptop) loses its transaction after 10 s: its row locks would otherwise keep every other worker from taking its runs over.
 */
export function inTransaction<T>(ctx: Pick<CommandContext, 'db'>, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return ctx.db.prisma.$transaction(async (tx) => {
    await tx.$executeRaw`set local idle_in_transaction_session_timeout = '10s'`;
    return work(tx);
  }, limits);
}
