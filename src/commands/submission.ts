/** Submissions to a competition. */

import { refuse, UserInputError } from '../errors.ts';
import type { Queryable } from '../store/queryable.ts';
import { insertSubmission } from '../store/submission.ts';
import type { CommandContext } from './context.ts';
import { createOnce } from './createOnce.ts';
import { combine, resultOfEnsemble } from './ensemble.ts';
import type { EnsembleResult } from './ensembleResult.ts';

/** Exactly one of ensembleId and runId. */
export interface CreateSubmissionInput {
  readonly ensembleId?: string | null | undefined;
  readonly runId?: string | null | undefined;
  /** A note for people. */
  readonly message?: string | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

const longestMessage = 2000;

/** Writes the labels of the TEST split as CSV to the blobs and adds its row. Returns the submission's id. */
export async function createSubmission(ctx: CommandContext, input: CreateSubmissionInput): Promise<string> {
  const message = input.message ?? null;
  if (message !== null && (message.length > longestMessage || message.includes('\0'))) {
    throw refuse('INVALID', `must have at most ${longestMessage} characters, none of them U+0000`, ['message']);
  }
  return createOnce(ctx, 'submission', 'createSubmission', input, async (tx, id) => {
    const { ensembleId = null, runId = null } = input;
    const result = await resultOf(tx, input);
    if (!result.rowCount) throw refuse('INVALID', 'the TEST predictions have no rows: the data set has no test images');
    const { hash, size } = await ctx.blobs.put(Buffer.from(await result.csv()));
    await insertSubmission(tx, {
      ...{ id, createdAt: ctx.now(), ensembleId, runId, message },
      contentHash: hash,
      bytes: size,
      rowCount: result.rowCount,
    });
    return [];
  });
}

/** Refusals are on the field that named the source. */
async function resultOf(db: Queryable, { ensembleId, runId }: CreateSubmissionInput): Promise<EnsembleResult> {
  if (Boolean(ensembleId) === Boolean(runId)) throw refuse('INVALID', 'give exactly one of ensembleId and runId');
  try {
    return ensembleId
      ? await resultOfEnsemble(db, ensembleId, 'TEST')
      : await combine(db, { split: 'TEST', members: [{ runId }] });
  } catch (error) {
    if (!(error instanceof UserInputError)) throw error;
    const path = [ensembleId ? 'ensembleId' : 'runId'];
    throw new UserInputError(error.problems.map((problem) => ({ ...problem, path })));
  }
}
