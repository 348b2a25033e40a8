/** The audit log: who asked for which write, and what became of it. Ids only, never what was written. */

import { decodeCursor, encodeCursor } from '../domain/cursor.ts';
import { type Page, type PageRequest, pageOf, pageSize } from '../domain/page.ts';
import type { AuditOutcome } from '../generated/prisma/client.ts';
import type { Queryable } from './queryable.ts';

export type { AuditOutcome };

export interface AuditEntry {
  readonly id: string;
  readonly at: Date;
  /** Name of the API key; `local` without authentication, `command line` for `rungraph keys`. */
  readonly actor: string;
  readonly keyId: string | null;
  readonly requestId: string | null;
  /** Name of the mutation, or of what else was done. */
  readonly operation: string;
  /** Of the objects that its arguments and its answer name. */
  readonly ids: readonly string[];
  /** STARTED until it has ended; of a server that was killed it stays so. */
  readonly outcome: AuditOutcome;
  /** Why it was refused or failed. */
  readonly codes: readonly string[];
  /** Of the client. */
  readonly address: string | null;
}

export async function insertAuditEntry(db: Queryable, { ids, codes, ...entry }: AuditEntry): Promise<void> {
  await db.auditEntry.create({ data: { ...entry, ids: [...ids], codes: [...codes] } });
}

/** Writes what became of it. */
export async function endAuditEntry(
  db: Queryable,
  { id, ids, outcome, codes }: Pick<AuditEntry, 'id' | 'ids' | 'outcome' | 'codes'>,
): Promise<void> {
  await db.auditEntry.updateMany({ where: { id }, data: { ids: [...ids], outcome, codes: [...codes] } });
}

/** Newest first. */
export async function listAuditEntries(db: Queryable, page: PageRequest): Promise<Page<AuditEntry>> {
  const rows = await db.auditEntry.findMany({
    where: page.after === undefined ? {} : { id: { lt: decodeCursor(page.after, 'string')[0] } },
    orderBy: { id: 'desc' },
    take: pageSize(page) + 1,
  });
  return pageOf(rows, page);
}

export function auditCursor({ id }: AuditEntry): string {
  return encodeCursor([id]);
}

/** Forgets what is older, at most so many entries; returns how many those were. For retention. */
export async function deleteAuditEntries(db: Queryable, before: Date, most: number): Promise<number> {
  return db.$executeRaw`
    delete from audit_entry where id in (select id from audit_entry where at < ${before} order by at limit ${most})`;
}
