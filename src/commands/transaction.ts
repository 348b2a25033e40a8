import { setTimeout as sleep } from 'node:timers/promises';
import type { Transaction } from '../db/database.ts';
import { messageOf, refuse } from '../errors.ts';
import type { CommandContext } from './context.ts';

/** Tries of a transaction that is in the way of others, and the longest pause in milliseconds after the first; each next may be twice as long. */
const tries = 5;
const firstPause = 20;

/**
 * Everything `work` does through `tx` happens, or nothing does. A process that freezes in the middle (SIGSTOP, a suspended
 * laptop) loses its transaction after 10 s: its row locks would otherwise keep every other worker from taking its runs over.
 * After a deadlock or a serialization failure, of which nothing is stored, `work` is done again from the start: what it does outside
 * of the database must bear that.
 * @param options.timeout milliseconds it may take, a minute if not given
 * @throws UserInputError UNAVAILABLE when the disk of the database is full
 */
export async function inTransaction<T>(
  ctx: Pick<CommandContext, 'db'>,
  work: (tx: Transaction) => Promise<T>,
  options: { readonly timeout?: number } = {},
): Promise<T> {
  for (let done = 1; ; done++) {
    try {
      return await ctx.db.prisma.$transaction(async (tx) => {
        await tx.$executeRaw`set local idle_in_transaction_session_timeout = '10s'`;
        return work(tx);
      }, options);
    } catch (error) {
      if (isDiskFull(error)) {
        throw refuse(
          'UNAVAILABLE',
          'The disk that holds the database is full, nothing was stored; free some space and try again',
        );
      }
      if (done === tries || !isConflict(error)) throw error;
      // By chance, so that those who met do not meet again.
      await sleep(Math.random() * firstPause * 2 ** (done - 1));
    }
  }
}

/** A deadlock (40P01) or a serialization failure (40001): P2034 of Prisma's own queries, raw ones say it in their cause. */
function isConflict(error: unknown): boolean {
  const { code, meta } = error as {
    readonly code?: string;
    readonly meta?: { readonly driverAdapterError?: { readonly cause?: { readonly kind?: string } } };
  };
  return code === 'P2034' || meta?.driverAdapterError?.cause?.kind === 'TransactionWriteConflict';
}

/** PostgreSQL's code, which Prisma puts into its message. */
function isDiskFull(error: unknown): boolean {
  return /\b53100\b/.test(messageOf(error));
}
