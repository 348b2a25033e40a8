import { messageOf } from '../errors.ts';

/** Seconds after which a client may ask again. */
export const absenceSeconds = 5;

/** For clients. */
export const absenceMessage = `The database does not answer; try again in ${absenceSeconds} s`;

/** Of sockets, of PostgreSQL (connection lost, shutting down, starting up) and of Prisma (unreachable, closed, no transaction to be had). */
const codes =
  /\b(ECONNREFUSED|ECONNRESET|EPIPE|connect ENOENT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ETIMEDOUT|57P0[123]|25P03|08[0-9A-Z]{3}|P1001|P1002|P1008|P1017|P2024|P2028)\b/;
/** The same in words, where pg, its pool or Prisma's adapter gives no code. */
const phrases =
  /connection (was )?(terminated|closed|reset|error|timeout)|terminating connection|closed the connection|ConnectionClosed|SocketTimeout|DatabaseNotReachable|reach database server|transaction already closed|timeout (exceeded|expired)|operation has timed out|too many (clients|database connections)|system is (starting up|shutting down|in recovery mode|not yet accepting)/i;

/** Whether the database, not the request, is the cause: no answer, broken, shutting down, starting up. */
export function isDatabaseAway(error: unknown): boolean {
  // Of an S3 client: the blobs' errors have the same codes.
  if (typeof error === 'object' && error !== null && '$metadata' in error) return false;
  const text = `${(error as { code?: string }).code ?? ''} ${messageOf(error)}`;
  return codes.test(text) || phrases.test(text);
}
