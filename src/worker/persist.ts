import { setTimeout as sleep } from 'node:timers/promises';
import { isDatabaseAway } from '../domain/absence.ts';
import { UserInputError } from '../errors.ts';

/** Milliseconds a worker goes on without its database, or with its disk full, before it gives its runs up. */
const patience = 60_000;
const pause = 500;

/** Repeats a write while the database is away or its disk is full. Throws the last error when it stays so for a minute. */
export async function persist<T>(write: () => Promise<T>): Promise<T> {
  const giveUpAt = Date.now() + patience;
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!isAbsence(error) || Date.now() > giveUpAt) throw error;
      await sleep(pause);
    }
  }
}

/** Errors which another try may not meet: of the connection, of a transaction that was in the way of others, or a full disk. */
function isAbsence(error: unknown): boolean {
  if (error instanceof UserInputError) return error.problems.some(({ code }) => code === 'UNAVAILABLE');
  return isDatabaseAway(error) || (error as { code?: string }).code === 'P2034';
}
