/**
 * A backup is one tar file, in this order:
 *   rungraph-backup.json            BackupHeader
 *   tables/<table>/<n>.copy.gz      rows in PostgreSQL's COPY text format, cut into parts of some MiB, each compressed by itself
 *   blobs/<SHA-256>                 every blob that a row names
 *   contents.json                   BackupContents: what there must have been; a file without it was cut off
 * Sessions are not in it. Neither are jobs: they follow from the states of runs and data sets.
 */

import { z } from 'zod';

export const headerName = 'rungraph-backup.json';
export const contentsName = 'contents.json';

const formatVersion = 1;
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const identifier = z.string().regex(/^[a-z_][a-z0-9_]*$/);

export const headerSchema = z.strictObject({
  format: z.literal(formatVersion),
  /** Of the Rungraph that made it. */
  version: z.string(),
  createdAt: z.iso.datetime(),
  /** Those applied to the database, in order: they say how its tables look. */
  migrations: z.array(z.string()).min(1),
  /** In an order in which every row comes after those that it refers to. */
  tables: z.array(z.strictObject({ name: identifier, columns: z.array(identifier).min(1) })),
});
export type BackupHeader = z.infer<typeof headerSchema>;

export const contentsSchema = z.strictObject({
  /** SHA-256 of the header's bytes. */
  header: sha256,
  tables: z.array(
    z.strictObject({
      name: identifier,
      rows: z.int().min(0),
      parts: z.int().min(0),
      /** SHA-256 of its parts, uncompressed and joined. */
      sha256,
    }),
  ),
  blobs: z.array(z.strictObject({ hash: sha256, size: z.int().min(0) })),
});
export type BackupContents = z.infer<typeof contentsSchema>;

export function newHeader(of: Omit<BackupHeader, 'format'>): BackupHeader {
  return { format: formatVersion, ...of };
}

export function partName(table: string, index: number): string {
  return `tables/${table}/${String(index).padStart(6, '0')}.copy.gz`;
}

export function blobName(hash: string): string {
  return `blobs/${hash}`;
}

/** Rows in COPY's text format: each ends with a line feed, and has none inside. */
export function countRows(bytes: Uint8Array): number {
  let rows = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) rows++;
  return rows;
}
