/** Sessions of browsers: each stands for the API key that opened it, and ends with it. */

import { type ApiKey, isRecent, fromRow as keyOfRow } from './apiKey.ts';
import type { Queryable } from './queryable.ts';

export interface Session {
  readonly id: string;
  readonly keyId: string;
  readonly createdAt: Date;
  /** At most a minute behind. */
  readonly lastUsedAt: Date;
  /** When it ends however much it is used. */
  readonly expiresAt: Date;
}

/** Milliseconds after which a session ends that nobody uses. */
export const sessionIdle = 12 * 3_600_000;
/** Milliseconds after which a session ends. */
export const sessionAge = 7 * 24 * 3_600_000;

/** Whether the times of a session allow its use. Its key must be usable too. */
export function isOpen({ lastUsedAt, expiresAt }: Pick<Session, 'lastUsedAt' | 'expiresAt'>, now: Date): boolean {
  return now < expiresAt && now.getTime() - lastUsedAt.getTime() < sessionIdle;
}

export async function insertSession(db: Queryable, session: Session & { readonly hash: string }): Promise<void> {
  await db.session.create({ data: session });
}

/** By the hash of its secret, with its key; ended ones too. */
export async function findSession(
  db: Queryable,
  hash: string,
): Promise<{ readonly session: Session; readonly key: ApiKey } | null> {
  const row = await db.session.findUnique({ where: { hash }, include: { key: true } });
  if (!row) return null;
  const { key, hash: _, ...session } = row;
  return { session, key: keyOfRow(key) };
}

/** Notes that it was used, unless that is known of the last minute. */
export async function touchSession(db: Queryable, { id, lastUsedAt }: Session, now: Date): Promise<void> {
  if (isRecent(lastUsedAt, now)) return;
  await db.session.updateMany({ where: { id, lastUsedAt: { lt: now } }, data: { lastUsedAt: now } });
}

/** Ends the session with this hash; its id, null when there is none. */
export async function deleteSession(db: Queryable, hash: string): Promise<string | null> {
  const row = await db.session.findUnique({ where: { hash }, select: { id: true } });
  if (!row) return null;
  await db.session.deleteMany({ where: { hash } });
  return row.id;
}

/** Forgets sessions that have ended. */
export async function deleteEndedSessions(db: Queryable, now: Date): Promise<number> {
  const idleSince = new Date(now.getTime() - sessionIdle);
  const ended = { OR: [{ expiresAt: { lte: now } }, { lastUsedAt: { lte: idleSince } }] };
  return (await db.session.deleteMany({ where: ended })).count;
}

/** Which of these keys and sessions may not be used (any more). */
export async function findEndedAccess(
  db: Queryable,
  { keyIds, sessionIds }: { readonly keyIds: readonly string[]; readonly sessionIds: readonly string[] },
  now: Date,
): Promise<Set<string>> {
  const notExpired = { OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] };
  const [keys, sessions] = await Promise.all([
    db.apiKey.findMany({ where: { id: { in: [...keyIds] }, revokedAt: null, ...notExpired }, select: { id: true } }),
    db.session.findMany({ where: { id: { in: [...sessionIds] } } }),
  ]);
  const usable = new Set([...keys, ...sessions.filter((session) => isOpen(session, now))].map(({ id }) => id));
  return new Set([...keyIds, ...sessionIds].filter((id) => !usable.has(id)));
}
