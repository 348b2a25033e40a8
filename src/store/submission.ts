/** Submissions: a CSV among the blobs and what it was made from. */

import type { Queryable } from './queryable.ts';

export interface Submission {
  readonly id: string;
  readonly createdAt: Date;
  readonly ensembleId: string | null;
  readonly runId: string | null;
  /** SHA-256 of the CSV: its key among the blobs. */
  readonly contentHash: string;
  readonly bytes: number;
  readonly rowCount: number;
  readonly message: string | null;
}

export declare function getSubmissions(db: Queryable, ids: readonly string[]): Promise<Map<string, Submission>>;
/** Newest first per ensemble. */
export declare function submissionsOfEnsembles(
  db: Queryable,
  ensembleIds: readonly string[],
): Promise<Map<string, Submission[]>>;
