import type { JsonObject } from '../domain/json.ts';
import type { Precision } from '../domain/precision.ts';
import type { RunFailure, RunStatus } from '../domain/run.ts';
import type { TrainerEnvironment } from '../domain/trainer.ts';
import { deleteEpochsFrom } from './epoch.ts';
import { deletePointsAfter } from './metric.ts';
import { resetProbeOfRun } from './probe.ts';
import type { Queryable } from './queryable.ts';
import { failureColumns, failureOfColumns } from './run.ts';

export interface Attempt {
  readonly runId: string;
  /** 1, 2, …: also the fencing token. */
  readonly number: number;
  readonly workerId: string | null;
  /** QUEUED: given back by a worker that stopped; the run waits for its next attempt. */
  readonly status: RunStatus;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  /** null, as are the next three, until the trainer has told. */
  readonly engine: string | null;
  readonly device: string | null;
  readonly precision: Precision | null;
  readonly versions: JsonObject | null;
  /** What it trains with; null for memory probes. */
  readonly accumulation: number | null;
  /** Process id of the trainer on its worker's machine. */
  readonly pid: number | null;
  readonly failure: RunFailure | null;
  readonly resumedFromEpoch: number | null;
}

/** Names one attempt of one run: the fencing token that every write of the attempt carries. */
export interface AttemptToken {
  readonly runId: string;
  readonly attempt: number;
}

/**
 * Takes the run's row lock until the transaction ends and says whether the attempt may still write: null when a newer attempt
 * has taken over or the run has ended.
 */
export async function lockAttempt(tx: Queryable, token: AttemptToken): Promise<{ status: RunStatus } | null> {
  const [run] = await tx.$queryRaw<{ status: RunStatus }[]>`
    select status::text as status from run
    where id = ${token.runId} and current_attempt = ${token.attempt} and status in ('RUNNING', 'CANCELING')
    for update`;
  return run ?? null;
}

export async function insertAttempt(
  db: Queryable,
  attempt: Pick<Attempt, 'runId' | 'number' | 'startedAt' | 'accumulation'> & { readonly workerId: string },
): Promise<void> {
  await db.attempt.create({ data: { ...attempt, status: 'RUNNING' } });
}

/** Attempts of several runs, by run and number. */
export async function findAttempts(db: Queryable, runIds: readonly string[]): Promise<Attempt[]> {
  const rows = await db.attempt.findMany({
    where: { runId: { in: [...runIds] } },
    orderBy: [{ runId: 'asc' }, { number: 'asc' }],
  });
  return rows.map(({ failureCode, failureMessage, failureRetryable, ...row }) => ({
    ...row,
    precision: row.precision as Attempt['precision'],
    versions: row.versions as JsonObject | null,
    failure: failureOfColumns({ failureCode, failureMessage, failureRetryable }),
  }));
}

export async function setAttemptEnvironment(
  db: Queryable,
  { runId, attempt: number }: AttemptToken,
  { engine, device, precision, versions }: TrainerEnvironment,
  resumedFromEpoch: number | null,
): Promise<void> {
  await db.attempt.update({
    where: { runId_number: { runId, number } },
    data: { engine, device, precision, versions, resumedFromEpoch },
  });
}

export async function setAttemptAccumulation(db: Queryable, token: AttemptToken, accumulation: number): Promise<void> {
  const { runId, attempt: number } = token;
  await db.attempt.update({ where: { runId_number: { runId, number } }, data: { accumulation } });
}

/** @param start when that process started, null where its machine does not tell */
export async function setAttemptPid(
  db: Queryable,
  token: AttemptToken,
  pid: number,
  start: string | null,
): Promise<void> {
  const { runId, attempt: number } = token;
  await db.attempt.update({ where: { runId_number: { runId, number } }, data: { pid, pidStart: start } });
}

export async function closeAttempt(
  db: Queryable,
  { runId, attempt: number }: AttemptToken,
  end: { readonly status: RunStatus; readonly finishedAt: Date; readonly failure: RunFailure | null },
): Promise<void> {
  await db.attempt.update({
    where: { runId_number: { runId, number } },
    data: { status: end.status, finishedAt: end.finishedAt, ...failureColumns(end.failure) },
  });
}

/** Where runs stand, for whoever holds an attempt of them: the newest attempt's number and the status. */
export async function findHolds(
  db: Queryable,
  runIds: readonly string[],
): Promise<Map<string, { readonly currentAttempt: number; readonly status: RunStatus }>> {
  const rows = await db.run.findMany({
    where: { id: { in: [...runIds] } },
    select: { id: true, currentAttempt: true, status: true },
  });
  return new Map(rows.map((row) => [row.id, row]));
}

/** Forgets what the attempts of a run measured and predicted: the next one starts over. Events, logs and attempts stay. */
export async function deleteResults(db: Queryable, runId: string): Promise<void> {
  // Of memory there are samples before the first step.
  await deleteResultsAfter(db, runId, { step: -1, epoch: 0 });
  await deletePredictions(db, runId);
  await resetProbeOfRun(db, runId);
}

/** Forgets what was measured after a step, in the epochs after so many. */
export async function deleteResultsAfter(
  db: Queryable,
  runId: string,
  { step, epoch }: { readonly step: number; readonly epoch: number },
): Promise<void> {
  await deletePointsAfter(db, runId, step);
  await deleteEpochsFrom(db, runId, epoch);
  await db.memorySample.deleteMany({ where: { runId, step: { gt: step } } });
}

export async function deletePredictions(db: Queryable, runId: string): Promise<void> {
  await db.predictionSet.deleteMany({ where: { runId } });
}
