/** A restored database between its rows and its jobs. */

import type { RunStatus } from '../domain/run.ts';
import type { Queryable } from './queryable.ts';

/** Whether there is the mark that `rungraph restore` leaves in the transaction of its rows. */
export async function isRestoring(db: Queryable): Promise<boolean> {
  const [row] = await db.$queryRaw<
    [{ there: boolean }]
  >`select to_regclass('restore_in_progress') is not null as there`;
  return row.there;
}

export async function dropRestoreMarker(db: Queryable): Promise<void> {
  await db.$executeRaw`drop table if exists restore_in_progress`;
}

export interface Interrupted {
  /** Runs that have not ended, oldest first. */
  readonly runs: readonly { readonly id: string; readonly status: RunStatus; readonly currentAttempt: number }[];
  /** Ids of data sets that were being imported. */
  readonly imports: readonly string[];
}

export async function findInterrupted(db: Queryable): Promise<Interrupted> {
  const runs = await db.run.findMany({
    where: { status: { in: ['QUEUED', 'RUNNING', 'CANCELING'] } },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    select: { id: true, status: true, currentAttempt: true },
  });
  const imports = await db.dataset.findMany({ where: { status: 'IMPORTING' }, select: { id: true } });
  return { runs, imports: imports.map(({ id }) => id) };
}
