/** Removal of what has grown old: details of finished runs, their checkpoints, idempotency keys, rows of workers that are gone. */

import type { Queryable } from './queryable.ts';

/** Runs looked at in one go. */
const pageSize = 100;

/** Runs that finished before `before` and have details that were not removed since; some of them, oldest first. */
export async function findUnprunedRuns(db: Queryable, before: Date): Promise<string[]> {
  const rows = await db.$queryRaw<{ id: string }[]>`
    select id from run
    where status in ('SUCCEEDED', 'FAILED', 'CANCELED') and finished_at < ${before}
      and (pruned_at is null or pruned_at < finished_at)
    order by finished_at, id limit ${pageSize}`;
  return rows.map(({ id }) => id);
}

/**
 * Removes the events, log lines, memory samples and metric points of a run that finished before `before`; nothing when it has been
 * started again. Its last event stays, which tells how it ended; one of kind PRUNED takes the place of those before, under the last
 * of their numbers: whoever goes on from an older number meets it. Call in a transaction.
 */
export async function pruneRun(tx: Queryable, id: string, before: Date, now: Date): Promise<boolean> {
  const [run] = await tx.$queryRaw<{ event_seq: bigint }[]>`
    select event_seq from run
    where id = ${id} and status in ('SUCCEEDED', 'FAILED', 'CANCELED') and finished_at < ${before} for update`;
  if (!run) return false;
  const through = run.event_seq - 1n;
  // In the place of the last of them, also for cursors that tell by transactions what they have seen.
  await tx.$executeRaw`
    with removed as (delete from run_event where run_id = ${id} and seq <= ${through} returning seq, transaction_id)
    insert into run_event (run_id, seq, at, kind, payload, transaction_id)
    select ${id}, seq, ${now}, 'PRUNED', '{}', transaction_id from removed where seq = ${through}`;
  await tx.runLog.deleteMany({ where: { runId: id } });
  await tx.memorySample.deleteMany({ where: { runId: id } });
  await tx.metricPoint.deleteMany({ where: { runId: id } });
  await tx.run.update({ where: { id }, data: { prunedAt: now } });
  return true;
}

/** Removes the checkpoints of runs that finished before `before`. Gives the blobs that they named. */
export function deleteOldCheckpoints(
  db: Queryable,
  before: Date,
): Promise<{ readonly contentHash: string; readonly createdAt: Date }[]> {
  return db.$queryRaw<{ contentHash: string; createdAt: Date }[]>`
    delete from artifact a using run r
    where a.run_id = r.id and a.kind = 'CHECKPOINT'
      and r.status in ('SUCCEEDED', 'FAILED', 'CANCELED') and r.finished_at < ${before}
    returning a.content_hash as "contentHash", a.created_at as "createdAt"`;
}

export async function deleteOldIdempotencyKeys(db: Queryable, before: Date): Promise<number> {
  return (await db.idempotencyKey.deleteMany({ where: { createdAt: { lt: before } } })).count;
}

/** Removes workers that were last seen before `before` and have nothing in hand; their attempts stay. */
export async function deleteOldWorkers(db: Queryable, before: Date): Promise<number> {
  const { count } = await db.worker.deleteMany({
    where: { lastSeenAt: { lt: before }, attempts: { none: { finishedAt: null } } },
  });
  return count;
}
