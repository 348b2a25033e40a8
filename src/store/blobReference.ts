/** Rows that name blobs. A table that names one must be listed here: what nothing names is garbage. */

import { Prisma } from '../generated/prisma/client.ts';
import type { Queryable } from './queryable.ts';

/** Every column that holds the SHA-256 of a blob. */
export const blobColumns = [
  { table: 'artifact', column: 'content_hash' },
  { table: 'submission', column: 'content_hash' },
  { table: 'upload', column: 'content_hash' },
  { table: 'dataset', column: 'archive_hash' },
] as const;

/** Which of the blobs some row names. */
export async function findUsedBlobs(db: Queryable, hashes: readonly string[]): Promise<Set<string>> {
  const selects = blobColumns.map(({ table, column }) => {
    const [from, name] = [Prisma.raw(table), Prisma.raw(column)];
    return Prisma.sql`select ${name} as hash from ${from} where ${name} = any(${[...hashes]}::text[])`;
  });
  const rows = await db.$queryRaw<{ hash: string }[]>`${Prisma.join(selects, ' union ')}`;
  return new Set(rows.map(({ hash }) => hash));
}
