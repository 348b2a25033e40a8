import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, UserInputError } from '../errors.ts';

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

/** Of sockets, of PostgreSQL (connection lost, shutting down, starting up) and of Prisma (unreachable, closed, no transaction to be had). */
const codes =
  /\b(ECONN\w+|EPIPE|ENOENT|ETIMEDOUT|57P0[123]|25P03|08[0-9A-Z]{3}|P1001|P1002|P1008|P1017|P2024|P2028|P2034)\b/;
/** The same in words, where pg, its pool or Prisma's adapter gives no code. */
const phrases =
  /connection (was )?(terminated|closed|reset|error|timeout)|terminating connection|closed the connection|ConnectionClosed|SocketTimeout|DatabaseNotReachable|reach database server|transaction already closed|timeout (exceeded|expired)|operation has timed out|too many (clients|database connections)|system is (starting up|shutting down|in recovery mode|not yet accepting)/i;

/** Errors which another try may not meet: of the connection (no answer, broken, shutting down, starting up), or a full disk. */
function isAbsence(error: unknown): boolean {
  if (error instanceof UserInputError) return error.problems.some(({ code }) => code === 'UNAVAILABLE');
  const text = `${(error as { code?: string }).code ?? ''} ${messageOf(error)}`;
  return codes.test(text) || phrases.test(text);
}
