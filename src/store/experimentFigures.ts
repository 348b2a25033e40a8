/** Figures over all runs of experiments, memory probes not counted: for lists of experiments, so that many are asked for at once. */

import type { RunStatus } from '../domain/run.ts';
import type { Queryable } from './queryable.ts';

export interface ExperimentRunCount {
  readonly experimentId: string;
  readonly status: RunStatus;
  readonly count: number;
}

/** How many runs of each experiment have which status; statuses without runs are left out. */
export async function countRunsByStatus(
  db: Queryable,
  experimentIds: readonly string[],
): Promise<ExperimentRunCount[]> {
  return db.$queryRaw<ExperimentRunCount[]>`
    select experiment_id as "experimentId", status::text as status, count(*)::int as count
    from run where experiment_id = any(${[...experimentIds]}::text[]) and kind <> 'MEMORY_PROBE'
    group by experiment_id, status order by experiment_id, run.status`;
}

export interface BestPoint {
  readonly experimentId: string;
  readonly at: Date;
  readonly value: number;
}

/**
 * The best objective value so far whenever a run finished, in order of time: only where it changes, and at the newest finished run.
 * A run without a value changes nothing.
 */
export async function bestHistories(db: Queryable, experimentIds: readonly string[]): Promise<BestPoint[]> {
  return db.$queryRaw<BestPoint[]>`
    with finished as (
      select r.experiment_id, r.finished_at, r.id,
        case e.direction when 'ASC' then r.objective_value else -r.objective_value end as loss, e.direction,
        row_number() over (partition by r.experiment_id order by r.finished_at desc, r.id desc) as from_end
      from run r join experiment e on e.id = r.experiment_id
      where r.experiment_id = any(${[...experimentIds]}::text[]) and r.kind <> 'MEMORY_PROBE'
        and r.finished_at is not null and r.objective_value is not null
    ), best as (
      select *, min(loss) over so_far as least,
        min(loss) over (so_far rows between unbounded preceding and 1 preceding) as before
      from finished window so_far as (partition by experiment_id order by finished_at, id)
    )
    select experiment_id as "experimentId", finished_at as at, case direction when 'ASC' then least else -least end as value
    from best where before is null or loss < before or from_end = 1
    order by experiment_id, finished_at, id`;
}

/** Names of all series that runs of an experiment have logged. */
export async function listMetricNames(db: Queryable, experimentId: string): Promise<string[]> {
  const rows = await db.$queryRaw<{ name: string }[]>`
    select name from metric_name where id in (
      select s.name_id from run r join metric_summary s on s.run_id = r.id
      where r.experiment_id = ${experimentId} and r.kind <> 'MEMORY_PROBE')
    order by name collate "C"`;
  return rows.map(({ name }) => name);
}
