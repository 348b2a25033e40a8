/** Who may be computing an attempt: times are the database's own, so that clocks of machines do not matter. */

import { lease } from '../domain/lease.ts';
import type { AttemptToken } from './attempt.ts';
import type { Queryable } from './queryable.ts';

/** Notes that the worker of attempts has just learned that they are its own; passes over those that are not any more. */
export async function confirmAttempts(db: Queryable, attempts: readonly AttemptToken[]): Promise<void> {
  if (!attempts.length) return;
  await db.$executeRaw`
    update attempt set confirmed_at = clock_timestamp()
    from unnest(${attempts.map(({ runId }) => runId)}::text[], ${attempts.map(({ attempt }) => attempt)}::int[]) held (run_id, number)
    join run on run.id = held.run_id and run.current_attempt = held.number and run.status in ('RUNNING', 'CANCELING')
    where attempt.run_id = held.run_id and attempt.number = held.number`;
}

/** Notes that nobody computes the attempt any more. What time has told already is left as it is. */
export async function releaseAttempt(db: Queryable, { runId, attempt: number }: AttemptToken): Promise<void> {
  await db.$executeRaw`
    update attempt set confirmed_at = null where run_id = ${runId} and number = ${number}
    and confirmed_at > clock_timestamp() - ${lease.over / 1000}::float8 * interval '1 second'`;
}

/** An attempt that somebody may still be computing. */
export interface FormerAttempt {
  readonly number: number;
  /** Its trainer, if one was given its job; and where that process id means something. */
  readonly pid: number | null;
  readonly pidStart: string | null;
  readonly machine: string | null;
}

/** The attempts before this one that are neither released nor so long unconfirmed that nobody can be computing them. */
export async function findFormerAttempts(
  db: Queryable,
  { runId, attempt: number }: AttemptToken,
): Promise<FormerAttempt[]> {
  return db.$queryRaw<FormerAttempt[]>`
    select attempt.number, attempt.pid, attempt.pid_start as "pidStart", worker.machine
    from attempt left join worker on worker.id = attempt.worker_id
    where attempt.run_id = ${runId} and attempt.number < ${number}
    and attempt.confirmed_at > clock_timestamp() - ${lease.over / 1000}::float8 * interval '1 second'
    order by attempt.number`;
}

/** A running attempt of another worker. */
export interface HeldElsewhere extends AttemptToken {
  /** The worker's process. */
  readonly pid: number;
  readonly pidStart: string;
}

/** Attempts under way of other workers whose process ids mean something on this machine. */
export async function findAttemptsOfMachine(
  db: Queryable,
  machine: string,
  workerId: string,
): Promise<HeldElsewhere[]> {
  return db.$queryRaw<HeldElsewhere[]>`
    select run.id as "runId", run.current_attempt as attempt, worker.pid, worker.pid_start as "pidStart"
    from run
    join attempt on attempt.run_id = run.id and attempt.number = run.current_attempt
    join worker on worker.id = attempt.worker_id
    where run.status in ('RUNNING', 'CANCELING') and worker.machine = ${machine} and worker.id <> ${workerId}
    and worker.pid_start is not null`;
}

/** When the worker of an attempt was last confirmed; null when it is released. */
export async function findConfirmation(db: Queryable, { runId, attempt: number }: AttemptToken): Promise<Date | null> {
  const row = await db.attempt.findUnique({
    where: { runId_number: { runId, number } },
    select: { confirmedAt: true },
  });
  return row?.confirmedAt ?? null;
}

/** When the run was last at its end and has been asked for again since (retryRun); null: never. */
async function lastEnd(db: Queryable, runId: string): Promise<Date | null> {
  const [row] = await db.$queryRaw<{ at: Date | null }[]>`
    select max(at) as at from run_event where run_id = ${runId} and (kind = 'PRUNED'
      or kind = 'STATUS' and payload->>'status' in ('FAILED', 'CANCELED'))`;
  return row!.at;
}

/** Attempts of a run that failed one after the other, in ways that another may not, since it last got further or was asked for. */
export async function countFailures(db: Queryable, runId: string): Promise<number> {
  const asked = await lastEnd(db, runId);
  const [row] = await db.$queryRaw<{ count: number }[]>`
    select count(*)::int as count from attempt
    where run_id = ${runId} and status = 'FAILED' and failure_retryable
    and finished_at > coalesce(greatest(
      (select max(completed_at) from epoch_metric where run_id = ${runId}),
      (select max(created_at) from artifact where run_id = ${runId} and kind = 'CHECKPOINT'),
      ${asked}::timestamptz), '-infinity')`;
  return row!.count;
}

/** Seconds that the attempts of a run before this one took together, since it was last asked for. */
export async function secondsBefore(db: Queryable, { runId, attempt: number }: AttemptToken): Promise<number> {
  const asked = await lastEnd(db, runId);
  const [row] = await db.$queryRaw<{ seconds: number }[]>`
    select coalesce(sum(extract(epoch from finished_at - started_at)), 0)::float8 as seconds
    from attempt where run_id = ${runId} and number < ${number} and finished_at > coalesce(${asked}::timestamptz, '-infinity')`;
  return row!.seconds;
}
