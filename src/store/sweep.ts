import type { RunStatus } from '../domain/run.ts';
import type { Queryable } from './queryable.ts';

export interface Sweep {
  readonly id: string;
  readonly name: string;
  readonly experimentId: string;
  readonly createdAt: Date;
}

export async function insertSweep(db: Queryable, sweep: Sweep): Promise<void> {
  await db.sweep.create({ data: sweep });
}

/** By id; ids that do not exist are missing from the map. */
export async function getSweeps(db: Queryable, ids: readonly string[]): Promise<Map<string, Sweep>> {
  const rows = await db.sweep.findMany({ where: { id: { in: [...ids] } } });
  return new Map(rows.map((row) => [row.id, row]));
}

export interface SweepRunCount {
  readonly sweepId: string;
  readonly status: RunStatus;
  readonly count: number;
}

/** How many runs of each sweep have which status; statuses without runs are left out. */
export async function countSweepRuns(db: Queryable, sweepIds: readonly string[]): Promise<SweepRunCount[]> {
  const groups = await db.run.groupBy({
    by: ['sweepId', 'status'],
    where: { sweepId: { in: [...sweepIds] } },
    _count: true,
    orderBy: [{ sweepId: 'asc' }, { status: 'asc' }],
  });
  return groups.map((group) => ({ sweepId: group.sweepId!, status: group.status, count: group._count }));
}

/** Ids of a sweep's runs, in the order they were made. */
export async function findSweepRunIds(db: Queryable, sweepId: string): Promise<string[]> {
  const rows = await db.run.findMany({
    where: { sweepId },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    select: { id: true },
  });
  return rows.map((row) => row.id);
}
