import type { Database } from '../db/database.ts';

export interface JobCount {
  readonly kind: string;
  /** created: waits; active; retry: waits to be delivered again; completed, cancelled and failed: kept for a day. */
  readonly state: string;
  readonly count: number;
}

/** Jobs of the whole installation. Fails when the queue's tables are not there. */
export async function countJobs({ pool }: Pick<Database, 'pool'>): Promise<JobCount[]> {
  const { rows } = await pool.query<JobCount>(
    'select name as kind, state::text, count(*)::int from pgboss.job group by name, state order by name, state',
  );
  return rows;
}
