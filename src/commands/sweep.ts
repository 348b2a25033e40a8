import { missing, refuse, UserInputError } from '../errors.ts';
import { holdExperiment, lockSweeps } from '../store/experiment.ts';
import { lockRun, type NewRun, type Run } from '../store/run.ts';
import { findUnfinishedSweepRuns, getSweeps, holdRuns, insertSweep, insertSweepMembers } from '../store/sweep.ts';
import type { CommandContext } from './context.ts';
import { createOnce } from './createOnce.ts';
import { requireQuota } from './quota.ts';
import { announceCancel, cancelLocked, queueRuns } from './run.ts';
import { drawSeedFor } from './seed.ts';
import { createSplitCheck } from './splitCheck.ts';
import { planSweep, type StartSweepInput } from './sweepPlan.ts';
import { loadTrainingData } from './trainingPlan.ts';
import { inTransaction } from './transaction.ts';

/**
 * Queues a run of every combination of the lists, in the order of `SweepGrid`: all of them or, with one problem anywhere, none.
 * Runs without a seed of their own share one, so that they are scored on the same images. With `skipIdentical` a config that
 * the experiment has a run of already is not queued again; the sweep shows that run. Returns the id.
 */
export async function startSweep(ctx: CommandContext, input: StartSweepInput): Promise<string> {
  return createOnce(ctx, 'sweep', 'startSweep', input, async (tx, id) => {
    // Of two sweeps at once, the second finds the runs of the first.
    if (input.skipIdentical) await lockSweeps(tx, input.experimentId);
    const plan = await planSweep(tx, input);
    if (plan.problems.length) throw new UserInputError(plan.problems);

    const createdAt = ctx.now();
    const check = createSplitCheck(tx, await loadTrainingData(tx, input.experimentId));
    const seed = await drawSeedFor(
      plan.runs.flatMap(({ config }) => config ?? []),
      check,
    );
    const held = await holdRuns(
      tx,
      plan.runs.flatMap((run) => run.duplicateOf ?? []),
    );
    if (!(await holdExperiment(tx, input.experimentId))) {
      throw refuse('NOT_FOUND', missing('experiment', input.experimentId), ['experimentId']);
    }
    const fresh: NewRun[] = [];
    const members = plan.runs.map(({ name, config, duplicateOf }, i) => {
      if (duplicateOf !== null && held.has(duplicateOf)) return duplicateOf;
      const run: NewRun = {
        id: ctx.newId('run'),
        name,
        kind: 'TRAINED',
        experimentId: input.experimentId,
        sweepId: id,
        config: { ...config!, seed: config!.seed ?? seed },
        tags: input.tags ?? [],
        // A millisecond apart, so that listing them by age keeps this order.
        createdAt: new Date(createdAt.getTime() + i),
      };
      fresh.push(run);
      return run.id;
    });
    await insertSweep(tx, { id, name: input.name ?? plan.name, experimentId: input.experimentId, createdAt });
    if (fresh.length) await requireQuota(tx, input.experimentId);
    const wakes = await queueRuns(ctx, tx, fresh);
    await insertSweepMembers(tx, id, members);
    return wakes;
  });
}

/** Cancels every run that the sweep queued and that has not ended; runs that it found and shows go on. */
export async function cancelSweep(ctx: CommandContext, id: string): Promise<void> {
  const canceled = await inTransaction(ctx, async (tx) => {
    if (!(await getSweeps(tx, [id])).has(id)) throw refuse('NOT_FOUND', missing('sweep', id), ['id']);
    const runs: Run[] = [];
    // In order of id, as everyone who locks several runs: two at once cannot wait for each other.
    for (const runId of (await findUnfinishedSweepRuns(tx, id)).sort()) {
      const run = await lockRun(tx, runId);
      if (run) runs.push(run);
    }
    return cancelLocked(ctx, tx, runs);
  });
  await announceCancel(ctx, canceled);
}
