/** Removal of what stands above runs: ensembles and experiments, with their bytes. */

import { isTerminal } from '../domain/run.ts';
import { missing, refuse } from '../errors.ts';
import {
  deleteEnsembleRows,
  deleteExperimentRows,
  findForeignUses,
  lockEnsemble,
  lockRunsOf,
} from '../store/removal.ts';
import { releaseBlobs } from './blobs.ts';
import type { CommandContext } from './context.ts';
import { inTransaction } from './transaction.ts';

/** Milliseconds: an experiment may have millions of points. */
const patience = 600_000;

/** Removes an ensemble with its submissions. Its members stay. */
export async function deleteEnsemble(ctx: CommandContext, id: string): Promise<void> {
  const removed = await inTransaction(ctx, async (tx) => {
    if (!(await lockEnsemble(tx, id))) throw refuse('NOT_FOUND', missing('ensemble', id), ['id']);
    return deleteEnsembleRows(tx, id);
  });
  await releaseBlobs(ctx, removed);
}

/** Names that a refusal tells at most. */
const mostNamed = 5;

/** Removes an experiment with everything made in it. Refused while one of its runs is under way. */
export async function deleteExperiment(ctx: CommandContext, id: string): Promise<void> {
  const removed = await inTransaction(
    ctx,
    async (tx) => {
      const runs = await lockRunsOf(tx, id);
      if (!runs) throw refuse('NOT_FOUND', missing('experiment', id), ['id']);
      const active = runs.filter((run) => !isTerminal(run.status));
      if (active.length) {
        const named = list(active.map((run) => `${run.id} (${run.status})`));
        throw refuse('CONFLICT', `experiment ${id} has runs under way: ${named}; cancel them first`, ['id']);
      }
      const uses = await findForeignUses(tx, id);
      if (uses.length) {
        const named = list(uses.map((name) => JSON.stringify(name)));
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

function list(names: readonly string[]): string {
  const shown = names.slice(0, mostNamed).join(', ');
  return names.length > mostNamed ? `${shown} and ${names.length - mostNamed} more` : shown;
}
