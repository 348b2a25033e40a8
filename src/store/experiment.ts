/** Experiments: runs over one data set, ranked by one objective. */

import { decodeCursor, encodeCursor } from '../domain/cursor.ts';
import type { Objective, OrderDirection } from '../domain/objective.ts';
import { type Page, type PageRequest, pageOf, pageSize } from '../domain/page.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { snapshotSql } from './event.ts';
import type { Queryable } from './queryable.ts';

export interface Experiment {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly createdAt: Date;
  readonly datasetId: string | null;
  readonly objective: Objective;
  /** Bytes that its runs and submissions may keep; null: no limit. */
  readonly quota: number | null;
  /** Names what of the database was there when this was read, see `EventHeads`: a place to go on from in the events of its runs. */
  readonly snapshot: string;
}

/** By id; ids that do not exist are missing from the map. */
export async function getExperiments(db: Queryable, ids: readonly string[]): Promise<Map<string, Experiment>> {
  const rows = await select(db, Prisma.sql`where id = any(${[...ids]}::text[])`);
  return new Map(rows.map((row) => [row.id, row]));
}

export async function findExperiment(db: Queryable, by: { id: string } | { name: string }): Promise<Experiment | null> {
  const [row] = await select(db, 'id' in by ? Prisma.sql`where id = ${by.id}` : Prisma.sql`where name = ${by.name}`);
  return row ?? null;
}

/** Newest first; `search` is a part of the name, in any case; `datasetId`: those that use it. */
export async function listExperiments(
  db: Queryable,
  { search, datasetId }: { readonly search?: string | null; readonly datasetId?: string },
  page: PageRequest,
): Promise<Page<Experiment>> {
  const conditions = [
    Prisma.sql`true`,
    ...(search ? [Prisma.sql`name ilike ${`%${search.replaceAll(/[\\%_]/g, '\\$&')}%`}`] : []),
    ...(datasetId === undefined ? [] : [Prisma.sql`dataset_id = ${datasetId}`]),
    ...(page.after === undefined ? [] : [Prisma.sql`id < ${decodeCursor(page.after, 'string')[0]}`]),
  ];
  const rows = await select(
    db,
    Prisma.sql`where ${Prisma.join(conditions, ' and ')} order by id desc limit ${pageSize(page) + 1}`,
  );
  return pageOf(rows, page);
}

export function experimentCursor(experiment: Experiment): string {
  return encodeCursor([experiment.id]);
}

/** Runs per experiment, memory probes not counted; every id asked for is in the map. */
export async function countRuns(db: Queryable, experimentIds: readonly string[]): Promise<Map<string, number>> {
  const groups = await db.run.groupBy({
    by: ['experimentId'],
    where: { experimentId: { in: [...experimentIds] }, kind: { not: 'MEMORY_PROBE' } },
    _count: true,
  });
  const counts = new Map(groups.map((group) => [group.experimentId, group._count]));
  return new Map(experimentIds.map((id) => [id, counts.get(id) ?? 0]));
}

/** Id of the run with the best objective value, the older of equals; experiments without one are missing. */
export async function findBestRuns(db: Queryable, experimentIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await db.$queryRaw<{ experimentId: string; runId: string }[]>`
    select e.id as "experimentId", best.id as "runId"
    from experiment e cross join lateral (
      (select id, objective_value from run
       where experiment_id = e.id and objective_value is not null and kind <> 'MEMORY_PROBE' and e.direction = 'ASC'
       order by objective_value, id limit 1)
      union all
      (select id, objective_value from run
       where experiment_id = e.id and objective_value is not null and kind <> 'MEMORY_PROBE' and e.direction = 'DESC'
       order by objective_value desc, id limit 1)) best
    where e.id = any(${[...experimentIds]}::text[])`;
  return new Map(rows.map(({ experimentId, runId }) => [experimentId, runId]));
}

const sweepClass = 0x73776570; // "swep"

/**
 * Until the transaction ends, nobody else gets this lock. It is none of the experiment's row: its owner goes on to wait for runs, whose
 * owner may be waiting for that row.
 */
export async function lockSweeps(tx: Queryable, experimentId: string): Promise<void> {
  await tx.$executeRaw`select pg_advisory_xact_lock(${sweepClass}::int, hashtext(${experimentId}))`;
}

/** Keeps an experiment from being deleted until the transaction ends; false when it is gone. */
export async function holdExperiment(tx: Queryable, id: string): Promise<boolean> {
  const rows = await tx.$queryRaw<unknown[]>`select id from experiment where id = ${id} for key share`;
  return rows.length > 0;
}

/** Adds an experiment; false when the name is taken. */
export async function insertExperiment(
  db: Queryable,
  experiment: Omit<Experiment, 'quota' | 'snapshot'> & Partial<Pick<Experiment, 'quota'>>,
): Promise<boolean> {
  const { objective, quota, ...columns } = experiment;
  const { count } = await db.experiment.createMany({
    data: { ...columns, ...objective, quotaBytes: quota ?? null },
    skipDuplicates: true,
  });
  return count === 1;
}

/** Undefined leaves what is there. */
export interface ExperimentEdit {
  readonly name: string | undefined;
  readonly description: string | null | undefined;
  readonly quota: number | null | undefined;
}

/** What became of an edit; `taken`: another experiment has that name. */
export type Edited = 'edited' | 'missing' | 'taken';

export async function editExperiment(db: Queryable, id: string, edit: ExperimentEdit): Promise<Edited> {
  const { name, description, quota } = edit;
  const data = {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(quota !== undefined && { quotaBytes: quota }),
  };
  try {
    const { count } = await db.experiment.updateMany({ where: { id }, data });
    return count ? 'edited' : 'missing';
  } catch (error) {
    if ((error as { code?: string }).code === 'P2002') return 'taken';
    throw error;
  }
}

interface Row extends Omit<Experiment, 'objective' | 'quota'> {
  readonly metric: string;
  readonly direction: OrderDirection;
  readonly quota: bigint | null;
}

async function select(db: Queryable, which: Prisma.Sql): Promise<Experiment[]> {
  const rows = await db.$queryRaw<Row[]>`
    select id, name, description, created_at as "createdAt", dataset_id as "datasetId", metric, direction::text as direction,
      quota_bytes as quota, ${snapshotSql} as snapshot
    from experiment ${which}`;
  return rows.map(({ metric, direction, quota, ...row }) => {
    return { ...row, objective: { metric, direction }, quota: quota === null ? null : Number(quota) };
  });
}
