/** Submissions: a CSV among the blobs and what it was made from. */

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
