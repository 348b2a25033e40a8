/** When a run that was hit by a kill goes on. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../../src/db/database.ts';
import { processStart } from '../../../src/locks/processes.ts';

export interface AffectedRun {
  readonly runId: string;
  readonly attempt: number;
}

/** Milliseconds after which something that was killed counts as lost for good. */
const patience = 180_000;

/** The runs whose attempt is computed by a trainer, held by a worker, or all that are under way. */
export async function affectedRuns(
  db: Database,
  by: { readonly trainer?: number | undefined; readonly worker?: number | undefined; readonly all: boolean },
): Promise<AffectedRun[]> {
  return persistently(
    () => db.prisma.$queryRaw<AffectedRun[]>`
      select a.run_id as "runId", a.number as attempt
      from attempt a join run r on r.id = a.run_id and r.current_attempt = a.number left join worker w on w.id = a.worker_id
      where r.status = 'RUNNING' and (a.pid = ${by.trainer ?? -1} or w.pid = ${by.worker ?? -1} or ${by.all})`,
  );
}

/**
 * Settles when each of the runs computes again or has ended: in a later attempt, or, where the database was away, in whichever.
 */
export async function whenRecovered(db: Database, runs: readonly AffectedRun[], sameAttempt: boolean): Promise<void> {
  const giveUpAt = performance.now() + patience;
  const from = new Map<string, bigint>();
  for (const { runId, attempt } of runs) {
    const after = sameAttempt ? await lastEvent(db, runId) : null;
    if (after !== null) from.set(runId, after);
    while (!(await goesOn(db, runId, sameAttempt ? -1 : attempt, from.get(runId) ?? 0n))) {
      if (performance.now() > giveUpAt) throw new Error(`run ${runId} does not go on`);
      await sleep(50);
    }
  }
  // At least the database answers.
  if (!runs.length) await persistently(() => db.prisma.run.count());
}

/** Settles when the process that `pid` tells has signed on as a worker, or not within a minute: it may have been killed before. */
export async function whenSignedOn(db: Database, pid: () => number): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (performance.now() < giveUpAt) {
    // Numbers are given again.
    const [number, pidStart] = [pid(), processStart(pid())];
    const signedOn = () => db.prisma.worker.findFirst({ where: { pid: number, pidStart: pidStart! } });
    if (pidStart !== undefined && (await persistently(signedOn))) return;
    await sleep(50);
  }
}

async function lastEvent(db: Database, runId: string): Promise<bigint> {
  const run = await persistently(() => db.prisma.run.findUniqueOrThrow({ where: { id: runId } }));
  return run.eventSeq;
}

async function goesOn(db: Database, runId: string, attempt: number, after: bigint): Promise<boolean> {
  const [row] = await persistently(
    () => db.prisma.$queryRaw<{ on: boolean }[]>`
      select r.status in ('SUCCEEDED', 'FAILED', 'CANCELED') or exists (
        select from run_event e where e.run_id = r.id and e.seq > ${after}
        and (e.kind in ('EPOCH', 'METRICS', 'PREDICTIONS')
          or e.kind = 'PROGRESS' and e.payload->'progress'->>'phase' <> 'PREPARING')
        and e.seq > (
          select min(s.seq) from run_event s where s.run_id = r.id and s.kind = 'STATUS'
          and s.payload->>'status' = 'RUNNING' and (s.payload->>'attempt')::int > ${attempt}
        )
      ) as on
      from run r where r.id = ${runId}`,
  );
  return row?.on ?? true;
}

export interface StoredEvent {
  readonly run_id: string;
  readonly seq: bigint;
  readonly at: Date;
  readonly kind: string;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes
  readonly payload: any;
}

/** The whole log of some runs, by run and number. */
export async function openEvents(db: Database, runIds: readonly string[]): Promise<StoredEvent[]> {
  return persistently(
    () => db.prisma.$queryRaw<StoredEvent[]>`
      select run_id, seq, at, kind::text as kind, payload from run_event
      where run_id = any(${[...runIds]}::text[]) order by run_id, seq`,
  );
}

/** Reads while the database comes and goes. */
async function persistently<T>(read: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + 60_000;
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await sleep(50);
    }
  }
}
