/** Submissions to a competition. */

import { refuse, UserInputError } from '../errors.ts';
import { insertSubmission } from '../store/submission.ts';
import { holdBlobs } from './blobs.ts';
import type { CommandContext } from './context.ts';
import { createPrepared } from './createOnce.ts';
import { combine, holdMembers, resultOfEnsemble } from './ensemble.ts';
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
  if (Boolean(input.ensembleId) === Boolean(input.runId)) {
    throw refuse('INVALID', 'give exactly one of ensembleId and runId');
  }
  const { ensembleId = null, runId = null } = input;
  const path = [ensembleId ? 'ensembleId' : 'runId'];
  const prepare = async () => {
    const { members, rowCount, csv } = await onField(path, () => resultOf(ctx, input));
    if (!rowCount) throw refuse('INVALID', 'the TEST predictions have no rows: the data set has no test images');
    return { members, rowCount, ...(await ctx.blobs.put(Buffer.from(await csv()))) };
  };
  return createPrepared(ctx, 'submission', 'createSubmission', input, prepare, async (tx, id, made) => {
    const sets = made.members.map((member) => ({ runId: member.runId, setId: member.predictionSetId }));
    await onField(path, () => holdMembers(tx, sets));
    await holdBlobs(ctx, tx, [made.hash]);
    await insertSubmission(tx, {
      ...{ id, createdAt: ctx.now(), ensembleId, runId, message },
      contentHash: made.hash,
      bytes: made.size,
      rowCount: made.rowCount,
    });
  });
}

async function resultOf(ctx: CommandContext, { ensembleId, runId }: CreateSubmissionInput): Promise<EnsembleResult> {
  return ensembleId ? resultOfEnsemble(ctx, ensembleId, 'TEST') : combine(ctx, { split: 'TEST', members: [{ runId }] });
}

/** Puts refusals on the field that named the source. */
async function onField<T>(path: readonly string[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UserInputError)) throw error;
    throw new UserInputError(error.problems.map((problem) => ({ ...problem, path })));
  }
}
