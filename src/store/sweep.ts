/** Sweeps and their members: the runs that a sweep queued, and those it found and shows too. */

import { decodeCursor, encodeCursor } from '../domain/cursor.ts';
import type { JsonObject } from '../domain/json.ts';
import { type Page, type PageRequest, pageOf, pageSize } from '../domain/page.ts';
import type { RunStatus } from '../domain/run.ts';
import { Prisma } from '../generated/prisma/client.ts';
import type { Queryable } from './queryable.ts';
import { getRuns, type Run } from './run.ts';

export interface Sweep {
  readonly id: string;
  readonly name: string;
  readonly experimentId: string;
  readonly createdAt: Date;
}

export async function insertSweep(db: Queryable, sweep: Sweep): Promise<void> {
  await db.sweep.create({ data: sweep });
}

/** Says which runs a sweep shows, in its order. */
export async function insertSweepMembers(db: Queryable, sweepId: string, runIds: readonly string[]): Promise<void> {
  await db.sweepMember.createMany({ data: runIds.map((runId, position) => ({ sweepId, position, runId })) });
}

/** By id; ids that do not exist are missing from the map. */
export async function getSweeps(db: Queryable, ids: readonly string[]): Promise<Map<string, Sweep>> {
  const rows = await db.sweep.findMany({ where: { id: { in: [...ids] } } });
  return new Map(rows.map((row) => [row.id, row]));
}

/** Of an experiment, newest first. */
export async function listSweeps(db: Queryable, experimentId: string, page: PageRequest): Promise<Page<Sweep>> {
  const rows = await db.sweep.findMany({
    where: { experimentId, ...(page.after !== undefined && { id: { lt: decodeCursor(page.after, 'string')[0] } }) },
    orderBy: { id: 'desc' },
    take: pageSize(page) + 1,
  });
  return pageOf(rows, page);
}

export function sweepCursor({ id }: Sweep): string {
  return encodeCursor([id]);
}

export interface SweepRunCount {
  readonly sweepId: string;
  readonly status: RunStatus;
  readonly count: number;
}

/** How many members of each sweep have which status; statuses without runs are left out. */
export async function countSweepRuns(db: Queryable, sweepIds: readonly string[]): Promise<SweepRunCount[]> {
  return db.$queryRaw<SweepRunCount[]>`
    select m.sweep_id as "sweepId", r.status::text as status, count(*)::int as count
    from sweep_member m join run r on r.id = m.run_id
    where m.sweep_id = any(${[...sweepIds]}::text[])
    group by m.sweep_id, r.status order by m.sweep_id, r.status`;
}

/** Ids of the runs that a sweep queued itself and that have not ended. */
export async function findUnfinishedSweepRuns(db: Queryable, sweepId: string): Promise<string[]> {
  const status = { in: ['QUEUED', 'RUNNING', 'CANCELING'] satisfies RunStatus[] };
  const rows = await db.run.findMany({ where: { sweepId, status }, select: { id: true } });
  return rows.map((row) => row.id);
}

/** A member of a sweep. */
export interface SweepRun extends Run {
  /** In the order of the sweep's configs. */
  readonly position: number;
}

export interface SweepRunRequest extends PageRequest {
  /** A condition over `run r`, from filterSql. */
  readonly where?: Prisma.Sql | undefined;
}

/** A sweep's members in its order. */
export async function listSweepRuns(db: Queryable, sweepId: string, request: SweepRunRequest): Promise<Page<SweepRun>> {
  const first = pageSize(request);
  const conditions = [
    Prisma.sql`m.sweep_id = ${sweepId}`,
    ...(request.where ? [Prisma.sql`(${request.where})`] : []),
    ...(request.after === undefined ? [] : [Prisma.sql`m.position > ${decodeCursor(request.after, 'index')[0]}`]),
  ];
  const members = await db.$queryRaw<{ runId: string; position: number }[]>`
    select m.run_id as "runId", m.position from sweep_member m join run r on r.id = m.run_id
    where ${Prisma.join(conditions, ' and ')} order by m.position limit ${first + 1}`;
  const runs = await getRuns(
    db,
    members.map((member) => member.runId),
  );
  return pageOf(
    members.flatMap(({ runId, position }) => {
      const run = runs.get(runId);
      return run ? [{ ...run, position }] : [];
    }),
    request,
  );
}

/** Cursor of a member in the sweep's order. */
export function sweepRunCursor({ position }: SweepRun): string {
  return encodeCursor([position]);
}

/** Statuses of runs that another sweep may show instead of queueing their config again. */
const reusable = ['SUCCEEDED', 'RUNNING', 'QUEUED'] satisfies RunStatus[];

/** Reusable runs of an experiment with these architectures: those that have succeeded first, then running, then queued ones; newest first. */
export async function findReusableRuns(
  db: Queryable,
  experimentId: string,
  architectures: readonly string[],
): Promise<{ id: string; config: JsonObject }[]> {
  return db.$queryRaw<{ id: string; config: JsonObject }[]>`
    select id, config from run
    where experiment_id = ${experimentId} and kind = 'TRAINED' and architecture = any(${[...architectures]}::text[])
      and status::text = any(${reusable}::text[])
    order by array_position(${reusable}::text[], status::text), created_at desc, id desc`;
}

/** Keeps runs from being canceled or deleted until the transaction ends. Returns those that can still be reused. */
export async function holdRuns(tx: Queryable, ids: readonly string[]): Promise<Set<string>> {
  if (!ids.length) return new Set();
  // In order of id, as everyone who locks several runs.
  const rows = await tx.$queryRaw<{ id: string }[]>`
    select id from run where id = any(${[...ids]}::text[]) and status::text = any(${reusable}::text[])
    order by id collate "C" for key share`;
  return new Set(rows.map((row) => row.id));
}
