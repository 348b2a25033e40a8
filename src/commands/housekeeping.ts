/** What is done by age, in the server every hour and by `rungraph gc`: the retention policy, then the garbage among the blobs. */

import type { BlobEntry } from '../blobs/blobStore.ts';
import type { RetentionPolicy } from '../domain/retention.ts';
import { deleteAuditEntries } from '../store/audit.ts';
import { lockCollection, unlockCollection } from '../store/blobLock.ts';
import { findUsedBlobs } from '../store/blobReference.ts';
import {
  deleteOldCheckpoints,
  deleteOldIdempotencyKeys,
  deleteOldWorkers,
  findUnprunedRuns,
  pruneRun,
} from '../store/retention.ts';
import { releaseBlobs, removeUnused } from './blobs.ts';
import type { CommandContext } from './context.ts';
import { inTransaction } from './transaction.ts';
import { expireUploads } from './upload.ts';

/** Milliseconds for which bytes may wait for the row that names them. */
export const gracePeriod = 3_600_000;

const day = 86_400_000;
/** Milliseconds: one run may have millions of points. */
const patience = 600_000;
/** Blobs that are looked up at once. */
const batchSize = 500;
/** Entries of the audit log that go at once. */
const auditBatch = 10_000;

export interface Cleaned {
  /** Runs whose details were removed. */
  readonly prunedRuns: number;
  readonly checkpoints: number;
  readonly auditEntries: number;
  readonly idempotencyKeys: number;
  readonly workers: number;
  /** Blobs that nothing named. */
  readonly blobs: number;
  /** Of those. */
  readonly bytes: number;
}

export interface CleaningOptions {
  readonly policy: RetentionPolicy;
  /** Milliseconds. */
  readonly grace?: number;
  readonly signal?: AbortSignal;
}

/**
 * Removes what is too old and what nothing names. Null when another process is at it. Every step stands for itself: after a kill at
 * any moment the next call goes on.
 */
export async function cleanUp(ctx: CommandContext, options: CleaningOptions): Promise<Cleaned | null> {
  const client = await ctx.db.pool.connect();
  let broken: Error | undefined;
  client.on('error', (error) => {
    broken = error;
  });
  try {
    if (!(await lockCollection(client))) return null;
    const old = await removeOld(ctx, options);
    const garbage = await collectGarbage(ctx, options);
    await unlockCollection(client);
    return { ...old, ...garbage };
  } catch (error) {
    // The lock ends with the connection.
    broken ??= error as Error;
    throw error;
  } finally {
    client.removeAllListeners('error');
    client.release(broken);
  }
}

async function removeOld(
  ctx: CommandContext,
  { policy, signal }: CleaningOptions,
): Promise<Omit<Cleaned, 'blobs' | 'bytes'>> {
  const now = ctx.now();
  const ago = (days: number) => new Date(now.getTime() - days * day);
  const db = ctx.db.prisma;
  let prunedRuns = 0;
  if (policy.detailsDays !== null) {
    const before = ago(policy.detailsDays);
    for (let ids = await findUnprunedRuns(db, before); ids.length; ids = await findUnprunedRuns(db, before)) {
      for (const id of ids) {
        signal?.throwIfAborted();
        if (await inTransaction(ctx, (tx) => pruneRun(tx, id, before, now), { timeout: patience })) prunedRuns++;
      }
    }
  }
  const checkpoints =
    policy.checkpointsDays === null ? [] : await deleteOldCheckpoints(db, ago(policy.checkpointsDays));
  await releaseBlobs(ctx, checkpoints);
  await expireUploads(ctx);
  return {
    prunedRuns,
    checkpoints: checkpoints.length,
    auditEntries: policy.auditDays === null ? 0 : await removeAuditEntries(ctx, ago(policy.auditDays), signal),
    idempotencyKeys: await deleteOldIdempotencyKeys(db, ago(policy.idempotencyDays)),
    workers: await deleteOldWorkers(db, ago(policy.workersDays)),
  };
}

async function removeAuditEntries({ db }: CommandContext, before: Date, signal?: AbortSignal): Promise<number> {
  let count = 0;
  for (let last = auditBatch; last === auditBatch; count += last) {
    signal?.throwIfAborted();
    last = await deleteAuditEntries(db.prisma, before, auditBatch);
  }
  return count;
}

async function collectGarbage(
  ctx: CommandContext,
  { grace = gracePeriod, signal }: CleaningOptions,
): Promise<Pick<Cleaned, 'blobs' | 'bytes'>> {
  const storedBy = new Date(ctx.now().getTime() - grace);
  let blobs = 0;
  let bytes = 0;
  const remove = async (candidates: readonly BlobEntry[]) => {
    const hashes = candidates.map(({ hash }) => hash);
    const used = await findUsedBlobs(ctx.db.prisma, hashes);
    for (const hash of hashes.filter((candidate) => !used.has(candidate))) {
      signal?.throwIfAborted();
      const freed = await removeUnused(ctx, hash, storedBy);
      if (freed === null) continue;
      blobs++;
      bytes += freed;
    }
  };
  let batch: BlobEntry[] = [];
  for await (const entry of ctx.blobs.list()) {
    if (entry.storedAt > storedBy) continue;
    batch.push(entry);
    if (batch.length < batchSize) continue;
    await remove(batch);
    batch = [];
  }
  await remove(batch);
  return { blobs, bytes };
}
