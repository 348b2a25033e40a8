/** What an import writes: its progress and its end, by the attempt that holds it alone. */

import type { ImportProgress, ImportResult, ManifestImage } from '../domain/dataset.ts';
import type { JsonObject } from '../domain/json.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { type Dataset, datasetOfRow } from './dataset.ts';
import { imageCounts } from './datasetCounts.ts';
import type { Queryable } from './queryable.ts';

/** The right to write an import's results: it ends with the next attempt, and when the data set is not IMPORTING any more. */
export interface ImportToken {
  readonly datasetId: string;
  readonly attempt: number;
}

/** Begins the next attempt of an import: earlier ones lose their token. Null when the data set is not IMPORTING. */
export async function beginImportAttempt(db: Queryable, id: string): Promise<Dataset | null> {
  const [row] = await db.dataset.updateManyAndReturn({
    where: { id, status: 'IMPORTING' },
    data: { importAttempt: { increment: 1 } },
  });
  return row ? datasetOfRow(row) : null;
}

/** False when the token has ended. */
export async function storeImportProgress(
  db: Queryable,
  token: ImportToken,
  progress: ImportProgress,
): Promise<boolean> {
  const importProgress = progress as unknown as JsonObject;
  const { count } = await db.dataset.updateMany({ where: held(token), data: { importProgress } });
  return count === 1;
}

/** Says which blob the archive is. False when the token has ended. */
export async function storeArchiveHash(db: Queryable, token: ImportToken, archiveHash: string): Promise<boolean> {
  const { count } = await db.dataset.updateMany({ where: held(token), data: { archiveHash } });
  return count === 1;
}

/** Rows of one insert: bounds the memory of a statement. */
const insertSize = 10_000;

/**
 * Moves a data set from IMPORTING to READY with its manifest. Call in a transaction. False, and nothing done, when the token has ended.
 * @param root where the images were found, when that is not where they were looked for
 */
export async function storeManifest(
  tx: Queryable,
  token: ImportToken,
  result: ImportResult,
  root?: string,
): Promise<boolean> {
  const { datasetId } = token;
  const { count } = await tx.dataset.updateMany({
    where: held(token),
    data: {
      ...{ status: 'READY', vocab: [...result.vocab], contentHash: result.contentHash, importProgress: Prisma.DbNull },
      imageCounts: imageCounts(result.images) as unknown as JsonObject[],
      ...(root !== undefined && { root }),
    },
  });
  if (!count) return false;
  for (let start = 0; start < result.images.length; start += insertSize) {
    await insertImages(tx, datasetId, start, result.images.slice(start, start + insertSize));
  }
  for (let start = 0; start < result.problems.length; start += insertSize) {
    const problems = result.problems.slice(start, start + insertSize);
    await tx.$executeRaw`
      insert into import_problem (dataset_id, position, path, reason, severity)
      select ${datasetId}, ${start}::int + n - 1, path, reason, severity
      from unnest(${problems.map((p) => p.path)}::text[], ${problems.map((p) => p.reason)}::text[],
        ${problems.map((p) => p.severity)}::import_severity[]) with ordinality as t(path, reason, severity, n)`;
  }
  return true;
}

async function insertImages(tx: Queryable, datasetId: string, start: number, images: ManifestImage[]): Promise<void> {
  await tx.$executeRaw`
    insert into dataset_image (dataset_id, position, split, image_id, path, label, width, height, bytes, content_hash)
    select ${datasetId}, ${start}::int + n - 1, split, image_id, path, label, width, height, bytes, content_hash
    from unnest(${images.map((i) => i.split)}::split[], ${images.map((i) => i.imageId)}::text[],
      ${images.map((i) => i.path)}::text[], ${images.map((i) => i.label)}::text[], ${images.map((i) => i.width)}::int[],
      ${images.map((i) => i.height)}::int[], ${images.map((i) => i.bytes)}::int[],
      ${images.map((i) => i.contentHash)}::text[])
      with ordinality as t(split, image_id, path, label, width, height, bytes, content_hash, n)`;
}

/** Moves a data set from IMPORTING to FAILED. False, and nothing done, when the token has ended. */
export async function storeImportFailure(db: Queryable, token: ImportToken, failure: string): Promise<boolean> {
  const data = { status: 'FAILED', failure, importProgress: Prisma.DbNull } as const;
  return (await db.dataset.updateMany({ where: held(token), data })).count === 1;
}

/** Moves a data set from IMPORTING to CANCELED; every token ends. False, and nothing done, when it is not IMPORTING. */
export async function storeImportCancel(db: Queryable, id: string): Promise<boolean> {
  const data = { status: 'CANCELED', importProgress: Prisma.DbNull } as const;
  return (await db.dataset.updateMany({ where: { id, status: 'IMPORTING' }, data })).count === 1;
}

/** Moves a data set from FAILED or CANCELED to IMPORTING. False, and nothing done, when it is neither. */
export async function storeImportRetry(db: Queryable, id: string): Promise<boolean> {
  const { count } = await db.dataset.updateMany({
    where: { id, status: { in: ['FAILED', 'CANCELED'] } },
    data: { status: 'IMPORTING', failure: null },
  });
  return count === 1;
}

function held({ datasetId, attempt }: ImportToken) {
  return { id: datasetId, importAttempt: attempt, status: 'IMPORTING' } as const;
}
