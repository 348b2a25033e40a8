/** Advisory locks that keep rows and blobs in step. They end with their transaction or connection, also when its process is killed. */

import type pg from 'pg';
import type { Queryable } from './queryable.ts';

/** First keys of the locks; the second is a blob's, or 0. */
const blobClass = 0x626c6f62; // "blob"
const backupClass = 0x6261636b; // "back"
const collectionClass = 0x67617262; // "garb"

/** Until the transaction ends nobody removes these blobs; who is removing one is waited for. */
export async function lockBlobs(tx: Queryable, hashes: readonly string[]): Promise<void> {
  // In one order, as everyone who takes several.
  await tx.$executeRaw`
    select pg_advisory_xact_lock_shared(${blobClass}::int, hashtext(hash))
    from (select hash from unnest(${[...new Set(hashes)]}::text[]) h (hash) order by hash) h`;
}

/** Until the transaction ends nobody names this blob anew. False while a backup is made, which keeps every blob. */
export async function lockBlobForRemoval(tx: Queryable, hash: string): Promise<boolean> {
  const [{ allowed }] = await tx.$queryRaw<[{ allowed: boolean }]>`
    select pg_try_advisory_xact_lock_shared(${backupClass}::int, 0) as allowed`;
  if (allowed) await tx.$executeRaw`select pg_advisory_xact_lock(${blobClass}::int, hashtext(${hash}))`;
  return allowed;
}

/** From here until the connection ends no blob is removed. False when another backup has the lock. */
export async function lockForBackup(client: pg.ClientBase): Promise<boolean> {
  // Removals hold it for moments only.
  await client.query("set lock_timeout = '10s'");
  try {
    await client.query('select pg_advisory_lock($1, 0)', [backupClass]);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === '55P03') return false;
    throw error;
  } finally {
    await client.query('set lock_timeout = 0');
  }
}

/** Makes the connection the only collector of garbage until `unlockCollection` or its end. False when there is one. */
export async function lockCollection(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1, 0) as locked', [
    collectionClass,
  ]);
  return rows[0]!.locked;
}

export async function unlockCollection(client: pg.ClientBase): Promise<void> {
  await client.query('select pg_advisory_unlock($1, 0)', [collectionClass]);
}
