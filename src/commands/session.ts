/** Dashboard sessions: opened with an API key, ended by their browser, by time, or with the key. */

import { hashSecret, newSecret } from '../domain/secret.ts';
import { accessChannel, notify } from '../events/waker.ts';
import { deleteEndedSessions, deleteSession, insertSession, type Session, sessionAge } from '../store/session.ts';
import type { CommandContext } from './context.ts';
import { inTransaction } from './transaction.ts';

type Parts = Pick<CommandContext, 'db' | 'now' | 'newId'>;

/**
 * Opens a session for a key and ends the one that the browser had: a login never goes on with an old secret.
 * @param previous secret of the browser's session
 */
export async function openSession(
  ctx: Parts,
  keyId: string,
  previous: string | undefined,
): Promise<{ readonly secret: string; readonly session: Session }> {
  const now = ctx.now();
  const secret = newSecret();
  const times = { createdAt: now, lastUsedAt: now, expiresAt: new Date(now.getTime() + sessionAge) };
  const session: Session = { id: ctx.newId('session'), keyId, ...times };
  const ended = await inTransaction(ctx, async (tx) => {
    await deleteEndedSessions(tx, now);
    await insertSession(tx, { ...session, hash: hashSecret(secret) });
    return previous === undefined ? null : deleteSession(tx, hashSecret(previous));
  });
  if (ended !== null) await notify(ctx.db, accessChannel, [ended]);
  return { secret, session };
}

/** Ends it, also for the sockets that it has opened. Without a session of that secret nothing happens. */
export async function closeSession(ctx: Parts, secret: string): Promise<void> {
  const ended = await deleteSession(ctx.db.prisma, hashSecret(secret));
  if (ended !== null) await notify(ctx.db, accessChannel, [ended]);
}
