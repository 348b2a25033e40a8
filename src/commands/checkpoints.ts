/** Checkpoints of a run among its artifacts: kept by its policy, gone when they cannot help any more. */

import type { Transaction } from '../db/database.ts';
import { byPlace, type CheckpointPlace, checkpointPlace, placesToDrop } from '../domain/checkpoint.ts';
import type { TrainerEvent } from '../domain/trainer.ts';
import { type CheckpointPolicy, completeConfig } from '../domain/trainingConfig.ts';
import { type Artifact, deleteArtifact, findArtifacts, insertArtifact } from '../store/artifact.ts';
import { type AttemptToken, lockAttempt } from '../store/attempt.ts';
import { findEpochs } from '../store/epoch.ts';
import type { Queryable } from '../store/queryable.ts';
import { findRun } from '../store/run.ts';
import { holdBlobs, releaseBlobs } from './blobs.ts';
import type { CommandContext } from './context.ts';
import { inTransaction } from './transaction.ts';

export interface Checkpoint extends CheckpointPlace {
  readonly artifact: Artifact;
}

/** The checkpoints of a run, newest first. */
export async function findCheckpoints(db: Queryable, runId: string): Promise<Checkpoint[]> {
  return (await findArtifacts(db, [runId]))
    .flatMap((artifact) => {
      const place = artifact.kind === 'CHECKPOINT' ? checkpointPlace(artifact.name) : null;
      return place ? [{ ...place, artifact }] : [];
    })
    .sort(byPlace);
}

/**
 * Adds the checkpoints whose bytes are among the blobs, in the transaction of an attempt's other events. Returns the artifacts that went
 * for them, by the policy of the run or because they were of the same place: release their blobs after the commit.
 */
export async function addCheckpoints(
  ctx: CommandContext,
  tx: Transaction,
  runId: string,
  events: readonly Extract<TrainerEvent, { kind: 'checkpoint' }>[],
): Promise<Artifact[]> {
  const added = events.flatMap(({ checkpoint, stored }) => (stored ? [{ name: checkpoint.name, ...stored }] : []));
  if (!added.length) return [];
  await holdBlobs(
    ctx,
    tx,
    added.map(({ hash }) => hash),
  );
  const removed: Artifact[] = [];
  for (const { name, hash: contentHash, size } of added) {
    const former = (await findCheckpoints(tx, runId)).filter(({ artifact }) => artifact.name === name);
    removed.push(...(await remove(tx, former)));
    const id = ctx.newId('artifact');
    await insertArtifact(tx, { id, runId, name, kind: 'CHECKPOINT', size, contentHash, createdAt: ctx.now() });
  }
  const { checkpoints: policy } = completeConfig((await findRun(tx, runId))!.config);
  return [...removed, ...(await thinCheckpoints(tx, runId, policy))];
}

/** Removes what the policy does not keep. Release the blobs of what it returns after the commit. */
export async function thinCheckpoints(tx: Transaction, runId: string, policy: CheckpointPolicy): Promise<Artifact[]> {
  return remove(tx, await checkpointsToDrop(tx, runId, policy));
}

/** Bytes of the checkpoints of a training under way that go when it has SUCCEEDED. */
export async function passingBytes(db: Queryable, runId: string): Promise<number> {
  const run = await findRun(db, runId);
  if (!run) return 0;
  const { checkpoints: policy } = completeConfig(run.config);
  const passing = await checkpointsToDrop(db, runId, { ...policy, keepLast: 0 });
  return passing.reduce((sum, { artifact }) => sum + artifact.size, 0);
}

async function checkpointsToDrop(db: Queryable, runId: string, policy: CheckpointPolicy): Promise<Checkpoint[]> {
  const checkpoints = await findCheckpoints(db, runId);
  const epochs = policy.keepBest ? await findEpochs(db, [runId]) : [];
  return placesToDrop(checkpoints, policy, epochs);
}

/** Removes every checkpoint of a run whose training starts over. Release the blobs of what it returns after the commit. */
export async function removeCheckpoints(tx: Transaction, runId: string): Promise<Artifact[]> {
  return remove(tx, await findCheckpoints(tx, runId));
}

/** Removes a checkpoint that turned out to be of no use, for the attempt that has looked. */
export async function removeCheckpoint(ctx: CommandContext, token: AttemptToken, artifact: Artifact): Promise<void> {
  const removed = await inTransaction(ctx, async (tx) => {
    if (!(await lockAttempt(tx, token))) return [];
    return remove(
      tx,
      (await findCheckpoints(tx, token.runId)).filter((checkpoint) => checkpoint.artifact.id === artifact.id),
    );
  });
  await releaseBlobs(ctx, removed);
}

async function remove(tx: Transaction, checkpoints: readonly Checkpoint[]): Promise<Artifact[]> {
  for (const { artifact } of checkpoints) await deleteArtifact(tx, artifact.id);
  return checkpoints.map(({ artifact }) => artifact);
}
