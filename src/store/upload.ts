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

export async function insertUpload(db: Queryable, upload: Upload): Promise<void> {
  await db.upload.create({ data: upload });
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
