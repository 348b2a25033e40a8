import { decodeCursor, encodeCursor } from '../domain/cursor.ts';
import type { AccumulationEquivalence, NetworkSetup, ProbeOutcome } from '../domain/memoryProbe.ts';
import { type Page, type PageRequest, pageOf, pageSize } from '../domain/page.ts';
import type { RunFailure, RunStatus } from '../domain/run.ts';
import { storableText } from '../domain/text.ts';
import { Prisma } from '../generated/prisma/client.ts';
import type { Queryable } from './queryable.ts';
import { failureColumns, failureOfColumns } from './run.ts';

export interface ProbeTrial {
  readonly accumulation: number;
  readonly microBatchSize: number;
  /** Bytes; when OUT_OF_MEMORY what the process had when it was ended, null when nobody saw. */
  readonly peakMemory: number | null;
  readonly outcome: ProbeOutcome;
  readonly imagesPerSecond: number | null;
  /** What went wrong, when something did. */
  readonly message: string | null;
  /** Measured by an earlier probe. */
  readonly cached: boolean;
}

/** One network of a probe. */
export interface ProbeTarget extends NetworkSetup {
  /** 0, 1, … */
  readonly position: number;
  /** Smallest accumulation that fits; null while unknown or when none does. */
  readonly recommendation: number | null;
  /** Smallest accumulation first. */
  readonly trials: readonly ProbeTrial[];
  /** Why it could not be measured, or not all of it. */
  readonly failure: RunFailure | null;
  readonly equivalence: AccumulationEquivalence | null;
}

export interface MemoryProbe {
  readonly id: string;
  readonly runId: string;
  readonly createdAt: Date;
  /** Of its run. */
  readonly status: RunStatus;
  readonly effectiveBatchSize: number;
  /** Bytes. */
  readonly budget: number;
  /** Measure again what is known. */
  readonly refresh: boolean;
  /** Whether equivalence reports were asked for. */
  readonly equivalence: boolean;
  /** What its newest attempt measures on; null before that has started. */
  readonly engine: string | null;
  readonly device: string | null;
  /** As asked for. */
  readonly targets: readonly ProbeTarget[];
}

export type NewProbe = Omit<MemoryProbe, 'status' | 'targets' | 'engine' | 'device'> & {
  readonly targets: readonly NetworkSetup[];
};

export async function insertProbe(db: Queryable, { targets, ...probe }: NewProbe): Promise<void> {
  await db.memoryProbe.create({ data: probe });
  await db.probeTarget.createMany({
    data: targets.map(({ architecture, size, itemTransform, precision }, position) => {
      return { probeId: probe.id, position, architecture, ...size, itemTransform, precision };
    }),
  });
}

/** By id; ids that do not exist are missing from the map. */
export async function getProbes(db: Queryable, ids: readonly string[]): Promise<Map<string, MemoryProbe>> {
  const rows = await db.memoryProbe.findMany({ where: { id: { in: [...ids] } }, include: parts });
  return new Map(rows.map((row) => [row.id, probeOfRow(row)]));
}

/** By the run that makes it; other runs are missing from the map. */
export async function probesOfRuns(db: Queryable, runIds: readonly string[]): Promise<Map<string, MemoryProbe>> {
  const rows = await db.memoryProbe.findMany({ where: { runId: { in: [...runIds] } }, include: parts });
  return new Map(rows.map((row) => [row.runId, probeOfRow(row)]));
}

/** The probe that a run of kind MEMORY_PROBE makes. */
export async function findProbeOfRun(db: Queryable, runId: string): Promise<MemoryProbe | null> {
  const row = await db.memoryProbe.findUnique({ where: { runId }, include: parts });
  return row && probeOfRow(row);
}

/** Newest first. `architecture`: those with a target of it. */
export async function listProbes(
  db: Queryable,
  request: PageRequest & { readonly architecture?: string | undefined },
): Promise<Page<MemoryProbe>> {
  const first = pageSize(request);
  const after = request.after === undefined ? undefined : decodeCursor(request.after, 'number', 'string');
  const rows = await db.memoryProbe.findMany({
    where: {
      ...(request.architecture === undefined ? {} : { targets: { some: { architecture: request.architecture } } }),
      ...(after && {
        OR: [{ createdAt: { lt: new Date(after[0]) } }, { createdAt: new Date(after[0]), id: { lt: after[1] } }],
      }),
    },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: first + 1,
    include: parts,
  });
  return pageOf(rows.map(probeOfRow), request);
}

export function probeCursor(probe: Pick<MemoryProbe, 'createdAt' | 'id'>): string {
  return encodeCursor([probe.createdAt.getTime(), probe.id]);
}

/** Names a target of a run's probe. */
export interface TargetKey {
  readonly probeId: string;
  readonly position: number;
}

/** Stores a trial; a repeated one replaces the first. */
export async function putTrial(db: Queryable, key: TargetKey, trial: ProbeTrial): Promise<void> {
  const { accumulation } = trial;
  const columns = { ...trial, message: trial.message && storableText(trial.message) };
  await db.probeTrial.upsert({
    where: { probeId_position_accumulation: { ...key, accumulation } },
    create: { ...key, ...columns },
    update: columns,
  });
}

export async function setRecommendation(db: Queryable, key: TargetKey, accumulation: number): Promise<void> {
  await db.probeTarget.update({ where: { probeId_position: key }, data: { recommendation: accumulation } });
}

export async function setTargetFailure(db: Queryable, key: TargetKey, failure: RunFailure): Promise<void> {
  await db.probeTarget.update({ where: { probeId_position: key }, data: failureColumns(failure) });
}

export async function setEquivalence(
  db: Queryable,
  key: TargetKey,
  equivalence: AccumulationEquivalence,
): Promise<void> {
  await db.probeTarget.update({ where: { probeId_position: key }, data: { equivalence: { ...equivalence } } });
}

/** Says what a probe measures on. */
export async function setProbeMachine(
  db: Queryable,
  probeId: string,
  machine: { readonly engine: string; readonly device: string },
): Promise<void> {
  await db.memoryProbe.update({ where: { id: probeId }, data: machine });
}

/** Forgets what the probe of a run has found: its next attempt starts over. Does nothing for other runs. */
export async function resetProbeOfRun(db: Queryable, runId: string): Promise<void> {
  await db.probeTrial.deleteMany({ where: { target: { probe: { runId } } } });
  await db.probeTarget.updateMany({
    where: { probe: { runId } },
    data: { recommendation: null, equivalence: Prisma.DbNull, ...failureColumns(null) },
  });
}

const parts = {
  targets: {
    orderBy: { position: 'asc' },
    include: { trials: { orderBy: { accumulation: 'asc' } } },
  },
  run: { select: { status: true } },
} as const;

type ProbeRow = NonNullable<Awaited<ReturnType<typeof findRow>>>;
const findRow = (db: Queryable) => db.memoryProbe.findFirst({ include: parts });

function probeOfRow({ run, targets, budget, ...row }: ProbeRow): MemoryProbe {
  return { ...row, budget: Number(budget), status: run.status, targets: targets.map(targetOfRow) };
}

function targetOfRow(row: ProbeRow['targets'][number]): ProbeTarget {
  return {
    position: row.position,
    architecture: row.architecture,
    size: { height: row.height, width: row.width },
    itemTransform: row.itemTransform as unknown as NetworkSetup['itemTransform'],
    precision: row.precision as NetworkSetup['precision'],
    recommendation: row.recommendation,
    failure: failureOfColumns(row),
    equivalence: row.equivalence as unknown as AccumulationEquivalence | null,
    trials: row.trials.map(({ probeId: _, position: __, peakMemory, ...trial }) => ({
      ...trial,
      peakMemory: peakMemory === null ? null : Number(peakMemory),
    })),
  };
}
