/** Archives that were sent over HTTP and not imported yet, or not only once. */

import type { Queryable } from './queryable.ts';

export interface Upload {
  readonly id: string;
  /** As the sender calls it. */
  readonly name: string;
  /** SHA-256: its key among the blobs. */
  readonly contentHash: string;
  /** Bytes. */
  readonly size: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** First key of the lock. */
const uploadClass = 0x75706c64; // "upld"

export async function insertUpload(db: Queryable, upload: Upload): Promise<void> {
  await db.upload.create({ data: upload });
}

/** Until the transaction ends nobody else adds an upload. */
export async function lockUploads(tx: Queryable): Promise<void> {
  await tx.$executeRaw`select pg_advisory_xact_lock(${uploadClass}::int, 0)`;
}

/** Bytes of uploads that have not expired and that no data set has the bytes of; those that were sent twice count once. */
export async function sumWaitingUploads(db: Queryable, now: Date): Promise<number> {
  const [{ bytes }] = await db.$queryRaw<[{ bytes: bigint }]>`
    select coalesce(sum(size), 0)::bigint as bytes
    from (select distinct content_hash, size from upload where expires_at > ${now}) waiting
    where not exists (select from dataset where archive_hash = waiting.content_hash)`;
  return Number(bytes);
}

/** An upload that has not expired; it stays until the transaction ends. */
export async function holdUpload(tx: Queryable, id: string, now: Date): Promise<Upload | null> {
  await tx.$queryRaw`select id from upload where id = ${id} for share`;
  const row = await tx.upload.findUnique({ where: { id, expiresAt: { gt: now } } });
  return row && { ...row, size: Number(row.size) };
}

/** Removes uploads that have expired. Gives the blobs that they named. */
export async function deleteExpiredUploads(
  db: Queryable,
  now: Date,
): Promise<{ readonly contentHash: string; readonly createdAt: Date }[]> {
  return db.$queryRaw<{ contentHash: string; createdAt: Date }[]>`
    delete from upload where expires_at <= ${now} returning content_hash as "contentHash", created_at as "createdAt"`;
}
