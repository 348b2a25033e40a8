import type { Queryable } from './queryable.ts';

/** What the database tells about this installation. */
export interface Installation {
  /** Names of the migrations applied, oldest first. */
  readonly migrations: readonly string[];
  readonly runCount: number;
}

/** One short query: it also proves that the database answers. */
export async function readInstallation(db: Queryable): Promise<Installation> {
  const [row] = await db.$queryRaw<[{ migrations: string[]; run_count: bigint }]>`
    select
      coalesce((
        select array_agg(migration_name order by migration_name) from _prisma_migrations
        where finished_at is not null and rolled_back_at is null
      ), '{}') as migrations,
      (select count(*) from run) as run_count`;
  return { migrations: row.migrations, runCount: Number(row.run_count) };
}
