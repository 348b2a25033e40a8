/** Removal of submissions, ensembles and experiments with everything of them. Each gives the blobs that the removed rows had named. */

import type { RunStatus } from '../domain/run.ts';
import type { Queryable } from './queryable.ts';

interface RemovedBlob {
  readonly contentHash: string;
  readonly createdAt: Date;
}

const blobFields = { contentHash: true, createdAt: true } as const;

/** Empty when there is no such submission. */
export async function deleteSubmissionRow(tx: Queryable, id: string): Promise<RemovedBlob[]> {
  return tx.$queryRaw<RemovedBlob[]>`
    delete from submission where id = ${id} returning content_hash as "contentHash", created_at as "createdAt"`;
}

/** Takes the ensemble's row until the transaction ends; false when there is none. */
export async function lockEnsemble(tx: Queryable, id: string): Promise<boolean> {
  const rows = await tx.$queryRaw<unknown[]>`select id from ensemble where id = ${id} for update`;
  return rows.length > 0;
}

export async function deleteEnsembleRows(tx: Queryable, id: string): Promise<RemovedBlob[]> {
  const where = { ensembleId: id };
  const blobs = await tx.submission.findMany({ where, select: blobFields });
  await tx.submission.deleteMany({ where });
  await tx.ensemble.delete({ where: { id } });
  return blobs;
}

/**
 * Takes the experiment's row and those of its runs until the transaction ends: nothing is added to it, and no run changes. Null
 * when there is none.
 */
export async function lockRunsOf(
  tx: Queryable,
  experimentId: string,
): Promise<{ id: string; status: RunStatus }[] | null> {
  // Runs first, in order of id, as everyone who locks several: who holds one may have to wait for the experiment's row.
  await tx.$executeRaw`select 1 from run where experiment_id = ${experimentId} order by id collate "C" for update`;
  const found = await tx.$queryRaw<unknown[]>`select id from experiment where id = ${experimentId} for update`;
  if (!found.length) return null;
  return tx.$queryRaw<{ id: string; status: RunStatus }[]>`
    select id, status::text as status from run where experiment_id = ${experimentId} order by id for update`;
}

/** Names of other experiments' ensembles that have a run of this one as a member. */
export async function findForeignUses(tx: Queryable, experimentId: string): Promise<string[]> {
  const members = await tx.ensembleMember.findMany({
    where: { run: { experimentId }, ensemble: { experimentId: { not: experimentId } } },
    select: { ensemble: { select: { name: true } } },
  });
  return [...new Set(members.map(({ ensemble }) => ensemble.name))];
}

export async function deleteExperimentRows(tx: Queryable, id: string): Promise<RemovedBlob[]> {
  const submissions = { OR: [{ run: { experimentId: id } }, { ensemble: { experimentId: id } }] };
  const blobs = [
    ...(await tx.submission.findMany({ where: submissions, select: blobFields })),
    ...(await tx.artifact.findMany({ where: { run: { experimentId: id } }, select: blobFields })),
  ];
  await tx.submission.deleteMany({ where: submissions });
  await tx.ensemble.deleteMany({ where: { experimentId: id } });
  await tx.experiment.delete({ where: { id } });
  return blobs;
}
