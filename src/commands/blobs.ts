/**
 * Names and bytes of blobs kept in step. Whoever adds a row that names a blob stores the bytes first and holds them in the row's
 * transaction; whoever removes rows removes the bytes after the commit. A crash leaves garbage, never a row without bytes.
 */

import type { Transaction } from '../db/database.ts';
import { refuse } from '../errors.ts';
import { lockBlobForRemoval, lockBlobs } from '../store/blobLock.ts';
import { findUsedBlobs } from '../store/blobReference.ts';
import type { CommandContext } from './context.ts';
import { inTransaction } from './transaction.ts';

/**
 * Call in the transaction that adds rows which name these blobs: until it ends nobody removes them.
 * @throws UserInputError UNAVAILABLE when one is not there any more
 */
export async function holdBlobs(
  ctx: Pick<CommandContext, 'blobs'>,
  tx: Transaction,
  hashes: readonly string[],
): Promise<void> {
  await lockBlobs(tx, hashes);
  for (const hash of hashes) {
    if (await ctx.blobs.has(hash)) continue;
    throw refuse('UNAVAILABLE', `the bytes ${hash} were removed from the blobs before anything named them; try again`);
  }
}

/** A row that is gone, by the blob that it named. */
export interface BlobReference {
  readonly contentHash: string;
  readonly createdAt: Date;
}

/**
 * Removes the blobs that rows have let go of, where no other row names them. Call after the transaction that removed the rows.
 * Bytes that were stored anew after their row was made are somebody's who has yet to name them: they are left to the garbage
 * collection, as are all while a backup is made.
 */
export async function releaseBlobs(ctx: CommandContext, removed: readonly BlobReference[]): Promise<void> {
  const newest = new Map<string, Date>();
  for (const { contentHash, createdAt } of removed) {
    const other = newest.get(contentHash);
    if (!other || other < createdAt) newest.set(contentHash, createdAt);
  }
  for (const [hash, storedBy] of newest) await removeUnused(ctx, hash, storedBy);
}

/**
 * Removes a blob unless a row names it, it was stored after `storedBy`, or a backup is being made. Gives the bytes freed, or null
 * when it stays.
 */
export async function removeUnused(ctx: CommandContext, hash: string, storedBy: Date): Promise<number | null> {
  return inTransaction(ctx, async (tx) => {
    if (!(await lockBlobForRemoval(tx, hash))) return null;
    const blob = await ctx.blobs.find(hash);
    if (!blob || blob.storedAt > storedBy) return null;
    if ((await findUsedBlobs(tx, [hash])).size) return null;
    await ctx.blobs.delete(hash);
    return blob.size;
  });
}
