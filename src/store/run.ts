/** Runs: one row each, moved from state to state under its lock. Lists are in runList.ts. */

import type { JsonObject } from '../domain/json.ts';
import {
  type RunFailure,
  type RunFailureCode,
  type RunKind,
  type RunProgress,
  type RunStatus,
  type SkippedImage,
  statusesBefore,
} from '../domain/run.ts';
import { storableText } from '../domain/text.ts';
import type { TrainingConfig } from '../domain/trainingConfig.ts';
import { Prisma } from '../generated/prisma/client.ts';
import type { RunModel } from '../generated/prisma/models.ts';
import type { Queryable } from './queryable.ts';

export interface Run {
  readonly id: string;
  readonly name: string;
  readonly kind: RunKind;
  readonly status: RunStatus;
  readonly experimentId: string;
  readonly sweepId: string | null;
  /** A TrainingConfig, complete, for runs that this system trains. */
  readonly config: JsonObject;
  readonly architecture: string;
  readonly tags: readonly string[];
  readonly notes: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** When its events, log lines, memory samples and metric points were removed by age; null: they are all there. */
  readonly prunedAt: Date | null;
  /** Number of the newest attempt, 0 before the first. */
  readonly currentAttempt: number;
  /** Number of its newest event, 0 before the first. */
  readonly eventSeq: number;
  /** Number of the newest line of its log, 0 before the first. */
  readonly logSeq: number;
  readonly failure: RunFailure | null;
  readonly progress: RunProgress | null;
  /** While it is QUEUED after a failed attempt: when the next one begins at the earliest. */
  readonly nextAttemptAt: Date | null;
  /** What it leaves out, in the order of the data set; null until it has looked. */
  readonly skippedImages: readonly SkippedImage[] | null;
  /** Best value of the experiment's objective so far. */
  readonly objectiveValue: number | null;
  readonly objectiveStep: number | null;
  /** Bytes. */
  readonly peakMemory: number | null;
  readonly imagesPerSecond: number | null;
  readonly trainSeconds: number | null;
}

export interface NewRun {
  readonly id: string;
  readonly name: string;
  readonly kind: RunKind;
  readonly experimentId: string;
  readonly sweepId: string | null;
  readonly config: TrainingConfig;
  readonly tags: readonly string[];
  readonly createdAt: Date;
}

/** Inserts runs as QUEUED. */
export async function insertRuns(db: Queryable, runs: readonly NewRun[]): Promise<void> {
  await db.run.createMany({
    data: runs.map((run) => ({
      ...run,
      tags: [...run.tags],
      status: 'QUEUED' as const,
      architecture: run.config.architecture,
    })),
  });
}

/** By id; ids that do not exist are missing from the map. */
export async function getRuns(db: Queryable, ids: readonly string[]): Promise<Map<string, Run>> {
  const rows = await db.run.findMany({ where: { id: { in: [...ids] } } });
  return new Map(rows.map((row) => [row.id, runOfRow(row)]));
}

export async function findRun(db: Queryable, id: string): Promise<Run | null> {
  const row = await db.run.findUnique({ where: { id } });
  return row && runOfRow(row);
}

/** Takes the row's lock until the transaction ends, and reads the run under it. */
export async function lockRun(tx: Queryable, id: string): Promise<Run | null> {
  await tx.$executeRaw`select 1 from run where id = ${id} for update`;
  return findRun(tx, id);
}

export interface RunChange {
  readonly startedAt?: Date;
  readonly finishedAt?: Date | null;
  readonly currentAttempt?: number;
  readonly failure?: RunFailure | null;
  readonly nextAttemptAt?: Date | null;
}

/** Moves a run to `status` if the table of moves allows it from where the run is now; says whether it did. */
export async function moveRun(db: Queryable, id: string, status: RunStatus, change: RunChange = {}): Promise<boolean> {
  const { failure, ...columns } = change;
  const { count } = await db.run.updateMany({
    where: { id, status: { in: statusesBefore(status) } },
    data: { nextAttemptAt: null, ...columns, status, ...(failure === undefined ? {} : failureColumns(failure)) },
  });
  return count === 1;
}

/** Which images every attempt of a run leaves out. */
export async function setSkippedImages(db: Queryable, id: string, images: readonly SkippedImage[]): Promise<void> {
  const stored = images.map(({ imageId, path, reason }) => {
    return { imageId, path: storableText(path), reason: storableText(reason) };
  });
  await db.run.update({ where: { id }, data: { skippedImages: stored } });
}

/** Newest figures of a running attempt. `peakMemory` only ever grows. */
export async function updateRunFigures(
  db: Queryable,
  id: string,
  figures: { readonly progress?: RunProgress | undefined; readonly peakMemory?: number | undefined },
): Promise<void> {
  const { progress, peakMemory } = figures;
  await db.$executeRaw`
    update run set
      progress = coalesce(${progress ? JSON.stringify(progress) : null}::text::jsonb, progress),
      images_per_second = coalesce(${progress?.imagesPerSecond ?? null}::float8, images_per_second),
      peak_memory = greatest(peak_memory, ${peakMemory === undefined ? null : String(Math.round(peakMemory))}::text::bigint)
    where id = ${id}`;
}

/** Final figures of a run; null leaves what is there. */
export async function setRunFigures(
  db: Queryable,
  id: string,
  figures: Pick<Run, 'imagesPerSecond' | 'peakMemory' | 'trainSeconds'>,
): Promise<void> {
  const { imagesPerSecond, peakMemory, trainSeconds } = figures;
  await db.run.update({
    where: { id },
    data: {
      ...(imagesPerSecond === null ? {} : { imagesPerSecond }),
      ...(peakMemory === null ? {} : { peakMemory: Math.round(peakMemory) }),
      ...(trainSeconds === null ? {} : { trainSeconds }),
    },
  });
}

/** Forgets what an attempt that was given up had reached. */
export async function resetRunFigures(db: Queryable, id: string): Promise<void> {
  await db.run.update({
    where: { id },
    data: {
      progress: Prisma.DbNull,
      objectiveValue: null,
      objectiveStep: null,
      peakMemory: null,
      imagesPerSecond: null,
      trainSeconds: null,
    },
  });
}

/** Changes the accumulation in a run's config. */
export async function setAccumulation(db: Queryable, id: string, accumulation: number): Promise<void> {
  await db.$executeRaw`
    update run set config = jsonb_set(config, '{accumulation}', to_jsonb(${accumulation}::int)) where id = ${id}`;
}

export interface RunEdit {
  readonly name?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly notes?: string | null | undefined;
}

export async function editRun(db: Queryable, id: string, edit: RunEdit): Promise<void> {
  await db.run.update({
    where: { id },
    data: {
      ...(edit.name === undefined ? {} : { name: edit.name }),
      ...(edit.tags === undefined ? {} : { tags: [...edit.tags] }),
      ...(edit.notes === undefined ? {} : { notes: edit.notes }),
    },
  });
}

export async function deleteRunRow(db: Queryable, id: string): Promise<void> {
  await db.run.delete({ where: { id } });
}

/** Names of the ensembles and ids of the submissions that are made of a run. */
export async function findRunUses(db: Queryable, id: string): Promise<string[]> {
  const members = await db.ensembleMember.findMany({ where: { runId: id }, select: { ensemble: true } });
  const submissions = await db.submission.findMany({ where: { runId: id }, select: { id: true } });
  return [
    ...members.map(({ ensemble }) => `ensemble "${ensemble.name}"`),
    ...submissions.map((submission) => `submission ${submission.id}`),
  ];
}

export interface FailureColumns {
  readonly failureCode: RunFailureCode | null;
  readonly failureMessage: string | null;
  readonly failureRetryable: boolean | null;
}

export function failureColumns(failure: RunFailure | null): FailureColumns {
  return {
    failureCode: failure?.code ?? null,
    failureMessage: failure ? storableText(failure.message) : null,
    failureRetryable: failure?.retryable ?? null,
  };
}

export function failureOfColumns(row: FailureColumns): RunFailure | null {
  if (row.failureCode === null) return null;
  return { code: row.failureCode, message: row.failureMessage ?? '', retryable: row.failureRetryable ?? false };
}

function runOfRow(row: RunModel): Run {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    status: row.status,
    experimentId: row.experimentId,
    sweepId: row.sweepId,
    config: row.config as JsonObject,
    architecture: row.architecture,
    tags: row.tags,
    notes: row.notes,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
    prunedAt: row.prunedAt,
    currentAttempt: row.currentAttempt,
    eventSeq: Number(row.eventSeq),
    logSeq: Number(row.logSeq),
    failure: failureOfColumns(row),
    progress: row.progress as RunProgress | null,
    nextAttemptAt: row.nextAttemptAt,
    skippedImages: row.skippedImages as readonly SkippedImage[] | null,
    objectiveValue: row.objectiveValue,
    objectiveStep: row.objectiveStep === null ? null : Number(row.objectiveStep),
    peakMemory: row.peakMemory === null ? null : Number(row.peakMemory),
    imagesPerSecond: row.imagesPerSecond,
    trainSeconds: row.trainSeconds,
  };
}
