/** API keys: known by their hash. Those that are revoked stay, for the audit log names them. */

import type { Scope } from '../domain/viewer.ts';
import type { ApiKey as Row } from '../generated/prisma/client.ts';
import type { Queryable } from './queryable.ts';

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  /** Null: never. */
  readonly expiresAt: Date | null;
  /** At most a minute behind. */
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** Milliseconds for which the time of a use is good enough. */
const usePrecision = 60_000;

export async function insertApiKey(
  db: Queryable,
  {
    hash,
    scopes,
    ...key
  }: Pick<ApiKey, 'id' | 'name' | 'scopes' | 'createdAt' | 'expiresAt'> & { readonly hash: string },
): Promise<void> {
  await db.apiKey.create({ data: { ...key, hash, scopes: [...scopes] } });
}

/** By the hash of its secret; revoked and expired ones too. */
export async function findApiKey(db: Queryable, by: { hash: string } | { id: string }): Promise<ApiKey | null> {
  const row = await db.apiKey.findUnique({ where: by });
  return row && fromRow(row);
}

/** Newest first; `id`: only this one. */
export async function listApiKeys(
  db: Queryable,
  { revoked, id }: { readonly revoked: boolean; readonly id?: string | undefined },
): Promise<ApiKey[]> {
  const where = { ...(id !== undefined && { id }), ...(!revoked && { revokedAt: null }) };
  return (await db.apiKey.findMany({ where, orderBy: { id: 'desc' } })).map(fromRow);
}

/** Notes that it was used, unless that is known of the last minute. */
export async function touchApiKey(db: Queryable, { id, lastUsedAt }: ApiKey, now: Date): Promise<void> {
  if (isRecent(lastUsedAt, now)) return;
  const before = new Date(now.getTime() - usePrecision);
  const unknown = { OR: [{ lastUsedAt: null }, { lastUsedAt: { lt: before } }] };
  await db.apiKey.updateMany({ where: { id, ...unknown }, data: { lastUsedAt: now } });
}

export function isRecent(lastUsedAt: Date | null, now: Date): boolean {
  return lastUsedAt !== null && now.getTime() - lastUsedAt.getTime() < usePrecision;
}

/** Ends it; false when there is none, or none that is not revoked. */
export async function revokeApiKeyRow(db: Queryable, id: string, now: Date): Promise<boolean> {
  const { count } = await db.apiKey.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: now } });
  return count === 1;
}

export function fromRow({ id, name, scopes, createdAt, expiresAt, lastUsedAt, revokedAt }: Row): ApiKey {
  return { id, name, scopes, createdAt, expiresAt, lastUsedAt, revokedAt };
}
