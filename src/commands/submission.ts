/** Submissions to a competition. */

import type { CommandContext } from './context.ts';

/** Exactly one of ensembleId and runId. */
export interface CreateSubmissionInput {
  readonly ensembleId?: string | null;
  readonly runId?: string | null;
  readonly message?: string | null;
  readonly idempotencyKey?: string | null;
}

/** Writes the CSV of the TEST predictions to the blobs and its row. Returns the id. */
export declare function createSubmission(ctx: CommandContext, input: CreateSubmissionInput): Promise<string>;
