/** The life of an import: attempts of workers, and what a user does about it. */

import type { ImportProgress, ImportResult } from '../domain/dataset.ts';
import { missing, refuse } from '../errors.ts';
import { importChannel } from '../events/importFeed.ts';
import { notify } from '../events/waker.ts';
import { type Dataset, findDataset } from '../store/dataset.ts';
import {
  beginImportAttempt,
  type ImportToken,
  storeArchiveHash,
  storeImportCancel,
  storeImportFailure,
  storeImportProgress,
  storeImportRetry,
  storeManifest,
} from '../store/datasetImport.ts';
import { holdBlobs } from './blobs.ts';
import type { CommandContext } from './context.ts';
import { inTransaction } from './transaction.ts';

/** For the worker: begins the next attempt, whose number fences every write. Null when the data set is not IMPORTING. */
export async function beginImport(ctx: CommandContext, datasetId: string): Promise<Dataset | null> {
  return beginImportAttempt(ctx.db.prisma, datasetId);
}

/** For the worker: tells how far the import is. False when the attempt has lost its right: it was canceled, or another one has begun. */
export async function reportImport(
  ctx: CommandContext,
  token: ImportToken,
  progress: Omit<ImportProgress, 'attempt'>,
): Promise<boolean> {
  const held = await storeImportProgress(ctx.db.prisma, token, { ...progress, attempt: token.attempt });
  if (held) await announce(ctx, token.datasetId);
  return held;
}

/** For the worker: names the blob that an archive of its machine was stored as. False as in `reportImport`. */
export async function nameArchive(ctx: CommandContext, token: ImportToken, contentHash: string): Promise<boolean> {
  return inTransaction(ctx, async (tx) => {
    await holdBlobs(ctx, tx, [contentHash]);
    return storeArchiveHash(tx, token, contentHash);
  });
}

/**
 * For the worker: stores the manifest, all or nothing, and makes the data set READY. Nothing happens when the attempt has lost its right.
 * @param root where the images were found, when that is not where they were looked for
 * @throws UserInputError INVALID when an image id occurs twice in a split: labels and predictions are found by it
 */
export async function completeImport(
  ctx: CommandContext,
  token: ImportToken,
  result: ImportResult,
  root?: string,
): Promise<boolean> {
  const seen = new Map<string, string>();
  for (const { split, imageId, path: file } of result.images) {
    const key = `${split}/${imageId}`;
    const earlier = seen.get(key);
    if (earlier !== undefined) {
      throw refuse('INVALID', `${earlier} and ${file} have the same name; image names must be unique within ${split}`);
    }
    seen.set(key, file);
  }
  const done = await inTransaction(ctx, (tx) => storeManifest(tx, token, result, root));
  if (done) await announce(ctx, token.datasetId);
  return done;
}

/** For the worker: makes the data set FAILED, with a reason for the user. Nothing happens when the attempt has lost its right. */
export async function failImport(ctx: CommandContext, token: ImportToken, reason: string): Promise<boolean> {
  const done = await storeImportFailure(ctx.db.prisma, token, reason);
  if (done) await announce(ctx, token.datasetId);
  return done;
}

/** Makes a data set that is IMPORTING CANCELED: a worker that is at it stops within a second. */
export async function cancelImport(ctx: CommandContext, id: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    if (!(await storeImportCancel(tx, id)))
      throw await notIn(ctx, id, 'only an import that is going on can be canceled');
    await ctx.queue.withdraw(tx, 'dataset.import', { datasetId: id });
  });
  await announce(ctx, id);
}

/** Imports a data set that is FAILED or CANCELED again. */
export async function retryImport(ctx: CommandContext, id: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    if (!(await storeImportRetry(tx, id)))
      throw await notIn(ctx, id, 'only one that has FAILED or was CANCELED is tried again');
    await ctx.queue.enqueue(tx, 'dataset.import', { datasetId: id });
  });
  await announce(ctx, id);
}

async function notIn(ctx: CommandContext, id: string, rule: string) {
  const dataset = await findDataset(ctx.db.prisma, { id });
  return dataset
    ? refuse('CONFLICT', `data set ${id} is ${dataset.status}: ${rule}`, ['id'])
    : refuse('NOT_FOUND', missing('data set', id), ['id']);
}

/** Wakes subscribers; one that misses it looks again by itself. */
async function announce({ db }: CommandContext, datasetId: string): Promise<void> {
  await notify(db, importChannel, [datasetId]).catch(() => {});
}
