/** Submissions: a CSV among the blobs and what it was made from. */

import { decodeCursor, encodeCursor } from '../domain/cursor.ts';
import { type Page, type PageRequest, pageOf, pageSize } from '../domain/page.ts';
import type { Queryable } from './queryable.ts';

export interface Submission {
  readonly id: string;
  readonly createdAt: Date;
  /** Exactly one of ensembleId and runId is given. */
  readonly ensembleId: string | null;
  readonly runId: string | null;
  /** SHA-256 of the CSV: its key among the blobs. */
  readonly contentHash: string;
  readonly bytes: number;
  /** Rows without the header. */
  readonly rowCount: number;
  readonly message: string | null;
}

/** By id; ids that do not exist are missing from the map. */
export async function getSubmissions(db: Queryable, ids: readonly string[]): Promise<Map<string, Submission>> {
  const rows = await db.submission.findMany({ where: { id: { in: [...ids] } } });
  return new Map(rows.map((row) => [row.id, row]));
}

/** Of an experiment's ensembles and runs, newest first. */
export async function listSubmissions(
  db: Queryable,
  experimentId: string,
  page: PageRequest,
): Promise<Page<Submission>> {
  const rows = await db.submission.findMany({
    where: {
      OR: [{ ensemble: { experimentId } }, { run: { experimentId } }],
      ...(page.after !== undefined && { id: { lt: decodeCursor(page.after, 'string')[0] } }),
    },
    orderBy: { id: 'desc' },
    take: pageSize(page) + 1,
  });
  return pageOf(rows, page);
}

export function submissionCursor({ id }: Submission): string {
  return encodeCursor([id]);
}

/** Newest first; every run asked for is in the map. */
export async function submissionsOfRuns(db: Queryable, runIds: readonly string[]): Promise<Map<string, Submission[]>> {
  const rows = await db.submission.findMany({ where: { runId: { in: [...runIds] } }, orderBy: { id: 'desc' } });
  return new Map(runIds.map((id) => [id, rows.filter((row) => row.runId === id)]));
}

/** Newest first; every ensemble asked for is in the map. */
export async function submissionsOfEnsembles(
  db: Queryable,
  ensembleIds: readonly string[],
): Promise<Map<string, Submission[]>> {
  const rows = await db.submission.findMany({
    where: { ensembleId: { in: [...ensembleIds] } },
    orderBy: { id: 'desc' },
  });
  return new Map(ensembleIds.map((id) => [id, rows.filter((row) => row.ensembleId === id)]));
}

export async function insertSubmission(db: Queryable, submission: Submission): Promise<void> {
  await db.submission.create({ data: submission });
}
