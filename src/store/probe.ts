import { decodeCursor, encodeCursor } from '../domain/cursor.ts';
import { type Page, type PageRequest, pageOf, pageSize } from '../domain/page.ts';
import type { RunStatus } from '../domain/run.ts';
import type { Size } from '../domain/trainingConfig.ts';
import type { Queryable } from './queryable.ts';

export type ProbeOutcome = 'FITS' | 'OVER_BUDGET' | 'OUT_OF_MEMORY' | 'FAILED';

export interface ProbeTrial {
  readonly accumulation: number;
  readonly microBatchSize: number;
  /** Bytes, null when the child ended before it could tell. */
  readonly peakMemory: number | null;
  readonly outcome: ProbeOutcome;
  readonly imagesPerSecond: number | null;
  /** What went wrong, for a trial that FAILED. */
  readonly message: string | null;
}

export interface MemoryProbe {
  readonly id: string;
  readonly runId: string;
  readonly createdAt: Date;
  /** Of its run. */
  readonly status: RunStatus;
  readonly architecture: string;
  readonly size: Size;
  readonly precision: string;
  readonly effectiveBatchSize: number;
  /** Bytes. */
  readonly budget: number;
  /** Smallest accumulation that fits; null while unknown or when none does. */
  readonly recommendation: number | null;
  /** Smallest accumulation first. */
  readonly trials: readonly ProbeTrial[];
  /** Of its newest attempt; null before that has started. */
  readonly engine: string | null;
  readonly device: string | null;
}

export type NewProbe = Omit<MemoryProbe, 'status' | 'recommendation' | 'trials' | 'engine' | 'device'>;

export async function insertProbe(db: Queryable, probe: NewProbe): Promise<void> {
  const { size, ...columns } = probe;
  await db.memoryProbe.create({ data: { ...columns, height: size.height, width: size.width } });
}

/** By id; ids that do not exist are missing from the map. */
export async function getProbes(db: Queryable, ids: readonly string[]): Promise<Map<string, MemoryProbe>> {
  const rows = await db.memoryProbe.findMany({ where: { id: { in: [...ids] } }, include: parts });
  return new Map(rows.map((row) => [row.id, probeOfRow(row)]));
}

/** The probe that a run of kind MEMORY_PROBE makes. */
export async function findProbeOfRun(db: Queryable, runId: string): Promise<MemoryProbe | null> {
  const row = await db.memoryProbe.findUnique({ where: { runId }, include: parts });
  return row && probeOfRow(row);
}

/** Newest first. */
export async function listProbes(
  db: Queryable,
  request: PageRequest & { readonly architecture?: string | undefined },
): Promise<Page<MemoryProbe>> {
  const first = pageSize(request);
  const after = request.after === undefined ? undefined : decodeCursor(request.after, 'number', 'string');
  const rows = await db.memoryProbe.findMany({
    where: {
      ...(request.architecture === undefined ? {} : { architecture: request.architecture }),
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

/** Stores a trial; a repeated one replaces the first. */
export async function putTrial(db: Queryable, probeId: string, trial: ProbeTrial): Promise<void> {
  const { accumulation, ...columns } = trial;
  await db.probeTrial.upsert({
    where: { probeId_accumulation: { probeId, accumulation } },
    create: { probeId, ...trial },
    update: columns,
  });
}

export async function setRecommendation(db: Queryable, probeId: string, accumulation: number): Promise<void> {
  await db.memoryProbe.update({ where: { id: probeId }, data: { recommendation: accumulation } });
}

const parts = {
  trials: { orderBy: { accumulation: 'asc' } },
  run: {
    select: {
      status: true,
      attempts: { orderBy: { number: 'desc' }, take: 1, select: { engine: true, device: true } },
    },
  },
} as const;

type ProbeRow = NonNullable<Awaited<ReturnType<typeof findRow>>>;
const findRow = (db: Queryable) => db.memoryProbe.findFirst({ include: parts });

function probeOfRow({ run, trials, height, width, budget, ...row }: ProbeRow): MemoryProbe {
  return {
    ...row,
    size: { height, width },
    budget: Number(budget),
    status: run.status,
    engine: run.attempts[0]?.engine ?? null,
    device: run.attempts[0]?.device ?? null,
    trials: trials.map(({ probeId: _, peakMemory, ...trial }) => ({
      ...trial,
      peakMemory: peakMemory === null ? null : Number(peakMemory),
    })),
  };
}
