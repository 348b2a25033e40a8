/** Ensembles from stored predictions: ad hoc, or saved with their members. */

import type { Split } from '../domain/dataset.ts';
import type { EnsembleMethod } from '../ensembles/methods.ts';
import { refuse, UserInputError, type UserProblem } from '../errors.ts';
import { type EnsembleScore, getEnsembles, insertEnsemble, membersOfEnsemble } from '../store/ensemble.ts';
import { findExperiment } from '../store/experiment.ts';
import type { Queryable } from '../store/queryable.ts';
import type { CommandContext } from './context.ts';
import { createOnce } from './createOnce.ts';
import { type EnsembleMemberInput, loadMembers, type Member, resolveMembers } from './ensembleMembers.ts';
import { createEnsembleResult, type EnsembleResult } from './ensembleResult.ts';
import { collect, nameProblems } from './problems.ts';

export interface EnsembleInput {
  /** Default TEST. */
  readonly split?: Split | null | undefined;
  /** A later input that names a run again overrides its weight. */
  readonly members: readonly EnsembleMemberInput[];
  /** Default MEAN. */
  readonly method?: EnsembleMethod | null | undefined;
}

export interface CreateEnsembleInput extends EnsembleInput {
  readonly experimentId: string;
  readonly name: string;
  readonly idempotencyKey?: string | null | undefined;
}

/**
 * Combines predictions without saving anything. A run counts with its TTA predictions of the split, else its PLAIN ones, else
 * UPLOADED ones. `experimentId` limits members to one experiment.
 * @throws UserInputError INVALID, NOT_FOUND or INCOMPATIBLE that names the run
 */
export async function combine(db: Queryable, input: EnsembleInput, experimentId?: string): Promise<EnsembleResult> {
  const split = input.split ?? 'TEST';
  const members = await resolveMembers(db, { split, inputs: input.members, experimentId });
  return createEnsembleResult(db, split, input.method ?? 'MEAN', members);
}

/**
 * Saves an ensemble with the members that its input names now, and with its scores on VALID and HOLDOUT where all members
 * have comparable, labelled predictions there. Returns its id.
 */
export async function createEnsemble(ctx: CommandContext, input: CreateEnsembleInput): Promise<string> {
  const { experimentId, name, members: inputs } = input;
  const split = input.split ?? 'TEST';
  const method = input.method ?? 'MEAN';
  return createOnce(ctx, 'ensemble', 'createEnsemble', input, async (tx, id) => {
    const problems: UserProblem[] = nameProblems({ name });
    if (!(await findExperiment(tx, { id: experimentId }))) {
      throw new UserInputError([
        ...problems,
        { code: 'NOT_FOUND', message: `there is no experiment ${experimentId}`, path: ['experimentId'] },
      ]);
    }
    const members = await collect(problems, () => resolveMembers(tx, { split, inputs, experimentId }));
    if (members) await collect(problems, () => createEnsembleResult(tx, split, method, members));
    if (problems.length || !members) throw new UserInputError(problems);

    const scores = [await scoreOn(tx, 'VALID', method, members), await scoreOn(tx, 'HOLDOUT', method, members)];
    await insertEnsemble(
      tx,
      { id, name, experimentId, method, createdAt: ctx.now() },
      { input: { split, method, members: inputs }, members, scores: scores.filter((score) => score !== null) },
    );
    return [];
  });
}

/**
 * What a saved ensemble predicts on a split.
 * @throws UserInputError NOT_FOUND, INVALID that names runs without predictions of the split, or INCOMPATIBLE
 */
export async function resultOfEnsemble(db: Queryable, ensembleId: string, split: Split): Promise<EnsembleResult> {
  const ensemble = (await getEnsembles(db, [ensembleId])).get(ensembleId);
  if (!ensemble) throw refuse('NOT_FOUND', `there is no ensemble ${ensembleId}`, ['ensembleId']);
  const members = await loadMembers(db, await membersOfEnsemble(db, ensembleId), split);
  return createEnsembleResult(db, split, ensemble.method, members);
}

/** The score for leaderboards; null where members cannot be combined or have no labels. */
async function scoreOn(
  db: Queryable,
  split: Split,
  method: EnsembleMethod,
  saved: readonly Member[],
): Promise<EnsembleScore | null> {
  const score = await collect([], async () => {
    const members = await loadMembers(db, saved, split);
    const result = await (await createEnsembleResult(db, split, method, members)).score();
    return result && { rowsHash: members[0]!.rowsHash, result };
  });
  if (!score) return null;
  const { errorRate, accuracy, logLoss } = score.result;
  return { split, rowsHash: score.rowsHash, errorRate, accuracy, logLoss };
}
