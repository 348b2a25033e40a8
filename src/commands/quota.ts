/**
 * How much an experiment may keep. A quota that is used up refuses new runs. Runs under way keep their results (metrics, epochs,
 * predictions) whatever it says, and leave out files: weights and checkpoints. Runs that end at the same moment may each find room
 * for their files: the quota can be exceeded by what they store at once.
 */

import { refuse } from '../errors.ts';
import { findExperiment } from '../store/experiment.ts';
import { experimentBytes, largestRuns } from '../store/experimentStorage.ts';
import type { Queryable } from '../store/queryable.ts';
import { findRun } from '../store/run.ts';

/** Runs that a refusal names. */
const mostNamed = 3;

/**
 * Call before runs are added to an experiment.
 * @throws UserInputError QUOTA_EXCEEDED on `experimentId` that tells the bytes and what can be deleted
 */
export async function requireQuota(db: Queryable, experimentId: string): Promise<void> {
  const experiment = await findExperiment(db, { id: experimentId });
  if (!experiment || experiment.quota === null) return;
  const bytes = (await experimentBytes(db, [experimentId])).get(experimentId)!;
  if (bytes < experiment.quota) return;
  const largest = await largestRuns(db, experimentId, mostNamed);
  const named = largest.map((run) => `${run.runId} with ${run.bytes}`).join(', ');
  throw refuse(
    'QUOTA_EXCEEDED',
    `experiment "${experiment.name}" keeps ${bytes} bytes of the ${experiment.quota} that its quota allows; ` +
      `${named ? `delete runs (the largest: ${named})` : 'delete runs or submissions'} or raise the quota with updateExperiment`,
    ['experimentId'],
  );
}

/**
 * Why the experiment of a run has no room for so many bytes more; null when it has.
 * @param freed bytes among those it keeps now that go when these have come
 */
export async function quotaProblem(db: Queryable, runId: string, bytes: number, freed = 0): Promise<string | null> {
  const run = await findRun(db, runId);
  const experiment = run && (await findExperiment(db, { id: run.experimentId }));
  if (!experiment || experiment.quota === null) return null;
  const used = (await experimentBytes(db, [experiment.id])).get(experiment.id)! - freed;
  if (used + bytes <= experiment.quota) return null;
  return `it has ${bytes} bytes, and experiment "${experiment.name}" keeps ${used} of the ${experiment.quota} that its quota allows`;
}
