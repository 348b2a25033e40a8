/** What experiments keep, in bytes: artifacts, predictions, submissions. */

import type { Queryable } from './queryable.ts';

/**
 * Bytes per experiment: its runs' artifacts and its submissions, equal files once, and prediction matrices (float32). Every id
 * asked for is in the map.
 */
export async function experimentBytes(db: Queryable, ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await db.$queryRaw<{ id: string; bytes: bigint }[]>`
    select e.id, (coalesce(files.bytes, 0) + coalesce(predictions.bytes, 0))::bigint as bytes
    from unnest(${[...ids]}::text[]) e (id)
    cross join lateral (
      select sum(size) as bytes from (
        select a.content_hash, a.size from artifact a join run r on r.id = a.run_id where r.experiment_id = e.id
        union
        select s.content_hash, s.bytes from submission s join run r on r.id = s.run_id where r.experiment_id = e.id
        union
        select s.content_hash, s.bytes from submission s join ensemble m on m.id = s.ensemble_id
        where m.experiment_id = e.id
      ) file
    ) files
    cross join lateral (
      select sum(p.row_count::bigint * cardinality(p.vocab) * 4) as bytes
      from prediction_set p join run r on r.id = p.run_id where r.experiment_id = e.id
    ) predictions`;
  return new Map(rows.map(({ id, bytes }) => [id, Number(bytes)]));
}

export interface RunBytes {
  readonly runId: string;
  readonly bytes: number;
}

/** The runs of an experiment whose artifacts are largest, largest first; those without any are left out. */
export async function largestRuns(db: Queryable, experimentId: string, limit: number): Promise<RunBytes[]> {
  const rows = await db.$queryRaw<{ runId: string; bytes: bigint }[]>`
    select a.run_id as "runId", sum(a.size)::bigint as bytes
    from artifact a join run r on r.id = a.run_id where r.experiment_id = ${experimentId}
    group by a.run_id order by bytes desc, a.run_id limit ${limit}`;
  return rows.map(({ runId, bytes }) => ({ runId, bytes: Number(bytes) }));
}
