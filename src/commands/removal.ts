/** Removal of what is made of runs or stands above them: submissions, ensembles and experiments, with their bytes. */

import { isTerminal } from '../domain/run.ts';
import { missing, refuse } from '../errors.ts';
import {
  deleteEnsembleRows,
  deleteExperimentRows,
  deleteSubmissionRow,
  findForeignUses,
  lockEnsemble,
  lockRunsOf,
} from '../store/removal.ts';
import { releaseBlobs } from './blobs.ts';
import type { CommandContext } from './context.ts';
import { listed } from './problems.ts';
import { inTransaction } from './transaction.ts';

/** Milliseconds: an experiment may have millions of points. */
const patience = 600_000;

/** Removes a submission with its CSV. What it was made from stays. */
export async function deleteSubmission(ctx: CommandContext, id: string): Promise<void> {
  const removed = await inTransaction(ctx, (tx) => deleteSubmissionRow(tx, id));
  if (!removed.length) throw refuse('NOT_FOUND', missing('submission', id), ['id']);
  await releaseBlobs(ctx, removed);
}

/** Removes an ensemble with its submissions. Its members stay. */
export async function deleteEnsemble(ctx: CommandContext, id: string): Promise<void> {
  const removed = await inTransaction(ctx, async (tx) => {
    if (!(await lockEnsemble(tx, id))) throw refuse('NOT_FOUND', missing('ensemble', id), ['id']);
    return deleteEnsembleRows(tx, id);
  });
  await releaseBlobs(ctx, removed);
}

/** Removes an experiment with everything made in it. Refused while one of its runs is under way. */
export async function deleteExperiment(ctx: CommandContext, id: string): Promise<void> {
  const removed = await inTransaction(
    ctx,
    async (tx) => {
      const runs = await lockRunsOf(tx, id);
      if (!runs) throw refuse('NOT_FOUND', missing('experiment', id), ['id']);
      const active = runs.filter((run) => !isTerminal(run.status));
      if (active.length) {
        const named = listed(active.map((run) => `${run.id} (${run.status})`));
        throw refuse('CONFLICT', `experiment ${id} has runs under way: ${named}; cancel them first`, ['id']);
      }
      const uses = await findForeignUses(tx, id);
      if (uses.length) {
        const named = listed(uses.map((name) => JSON.stringify(name)));
        throw refuse(
          'CONFLICT',
          `runs of experiment ${id} are members of ensembles elsewhere: ${named}; delete those first`,
          ['id'],
        );
      }
      return deleteExperimentRows(tx, id);
    },
    { timeout: patience },
  );
  await releaseBlobs(ctx, removed);
}
