/** Ensembles from stored predictions: ad hoc, or saved with their members. */

import type { Transaction } from '../db/database.ts';
import type { Split } from '../domain/dataset.ts';
import type { EnsembleMethod } from '../ensembles/methods.ts';
import { missing, refuse, UserInputError, type UserProblem } from '../errors.ts';
import { type EnsembleScore, getEnsembles, insertEnsemble, membersOfEnsemble } from '../store/ensemble.ts';
import { holdPredictionSets } from '../store/ensembleRun.ts';
import { findExperiment } from '../store/experiment.ts';
import type { Queryable } from '../store/queryable.ts';
import type { CommandContext } from './context.ts';
import { createPrepared } from './createOnce.ts';
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
export async function combine(
  ctx: CommandContext,
  input: EnsembleInput,
  experimentId?: string,
): Promise<EnsembleResult> {
  const split = input.split ?? 'TEST';
  if (experimentId !== undefined) await requireExperiment(ctx.db.prisma, experimentId, []);
  const members = await resolveMembers(ctx.db.prisma, { split, inputs: input.members, experimentId });
  return createEnsembleResult(ctx, split, input.method ?? 'MEAN', members);
}

/**
 * Saves an ensemble with the members that its input names now, and with its scores on VALID and HOLDOUT where all members
 * have comparable, labelled predictions there. Returns its id.
 */
export async function createEnsemble(ctx: CommandContext, input: CreateEnsembleInput): Promise<string> {
  const { experimentId, name, members: inputs } = input;
  const split = input.split ?? 'TEST';
  const method = input.method ?? 'MEAN';
  const prepare = async () => {
    const problems: UserProblem[] = nameProblems({ name });
    const db = ctx.db.prisma;
    await requireExperiment(db, experimentId, problems);
    const members = await collect(problems, () => resolveMembers(db, { split, inputs, experimentId }));
    if (members) await collect(problems, () => createEnsembleResult(ctx, split, method, members));
    if (problems.length || !members) throw new UserInputError(problems);
    return { members, scores: await labelledScores(ctx, method, members) };
  };
  return createPrepared(ctx, 'ensemble', 'createEnsemble', input, prepare, async (tx, id, { members, scores }) => {
    await requireExperiment(tx, experimentId, []);
    await holdMembers(tx, members);
    await insertEnsemble(
      tx,
      { id, name, experimentId, method, createdAt: ctx.now(), selection: null },
      { input: { split, method, members: inputs }, members, scores },
    );
  });
}

/**
 * What a saved ensemble predicts on a split.
 * @throws UserInputError NOT_FOUND, INVALID that names runs without predictions of the split, or INCOMPATIBLE
 */
export async function resultOfEnsemble(ctx: CommandContext, ensembleId: string, split: Split): Promise<EnsembleResult> {
  const db = ctx.db.prisma;
  const ensemble = (await getEnsembles(db, [ensembleId])).get(ensembleId);
  if (!ensemble) throw refuse('NOT_FOUND', missing('ensemble', ensembleId), ['ensembleId']);
  const members = await loadMembers(db, await membersOfEnsemble(db, ensembleId), split);
  return createEnsembleResult(ctx, split, ensemble.method, members);
}

/** @throws UserInputError with `problems` found so far and that there is no such experiment */
export async function requireExperiment(
  db: Queryable,
  experimentId: string,
  problems: readonly UserProblem[],
): Promise<void> {
  if (await findExperiment(db, { id: experimentId })) return;
  throw new UserInputError([
    ...problems,
    { code: 'NOT_FOUND', message: missing('experiment', experimentId), path: ['experimentId'] },
  ]);
}

/** In the transaction that makes something of runs' predictions: they are still there, and stay until it ends. */
export async function holdMembers(tx: Transaction, members: readonly Pick<Member, 'runId' | 'setId'>[]): Promise<void> {
  const gone = new Set(await holdPredictionSets(tx, members));
  const runs = members.filter(({ setId }) => gone.has(setId)).map(({ runId }) => runId);
  if (!runs.length) return;
  throw refuse('CONFLICT', `the predictions of ${runs.join(', ')} were removed in the meantime; try again`, [
    'members',
  ]);
}

/** The scores on VALID and HOLDOUT, for leaderboards; without the splits where members cannot be combined or have no labels. */
export async function labelledScores(
  ctx: CommandContext,
  method: EnsembleMethod,
  saved: readonly Member[],
): Promise<EnsembleScore[]> {
  const scores: EnsembleScore[] = [];
  for (const split of ['VALID', 'HOLDOUT'] as const) {
    const score = await collect([], async () => {
      const members = await loadMembers(ctx.db.prisma, saved, split);
      const result = await (await createEnsembleResult(ctx, split, method, members)).score();
      return result && { rowsHash: members[0]!.rowsHash, result };
    });
    if (!score) continue;
    const { errorRate, accuracy, logLoss } = score.result;
    scores.push({ split, rowsHash: score.rowsHash, errorRate, accuracy, logLoss });
  }
  return scores;
}
