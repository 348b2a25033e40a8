import type { Transaction } from '../db/database.ts';
import { messageOf, refuse } from '../errors.ts';
import type { CommandContext } from './context.ts';

/** Prisma gives up after 5 s by default; a batch behind a busy database or a big prediction set may take longer (milliseconds). */
const limits = { maxWait: 30_000, timeout: 60_000 };

/**
 * Everything `work` does through `tx` happens, or nothing does. A process that freezes in the middle (SIGSTOP, a suspended
 * laptop) loses its transaction after 10 s: its row locks would otherwise keep every other worker from taking its runs over.
 * @param options.timeout milliseconds it may take, a minute if not given
 * @throws UserInputError UNAVAILABLE when the disk of the database is full
 */
export async function inTransaction<T>(
  ctx: Pick<CommandContext, 'db'>,
  work: (tx: Transaction) => Promise<T>,
  options: { readonly timeout?: number } = {},
): Promise<T> {
  try {
    return await ctx.db.prisma.$transaction(
      async (tx) => {
        await tx.$executeRaw`set local idle_in_transaction_session_timeout = '10s'`;
        return work(tx);
      },
      { ...limits, ...options },
    );
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw refuse(
      'UNAVAILABLE',
      'The disk that holds the database is full, nothing was stored; free some space and try again',
    );
  }
}

/** PostgreSQL's code, which Prisma puts into its message. */
function isDiskFull(error: unknown): boolean {
  return /\b53100\b/.test(messageOf(error));
}
