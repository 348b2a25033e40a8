import type { MemoryPoint } from '../domain/run.ts';
import type { TrainingConfig } from '../domain/trainingConfig.ts';
import { inSteps, type StepRange } from './metric.ts';
import type { Queryable } from './queryable.ts';

export interface StoredMemoryPoint extends MemoryPoint {
  readonly at: Date;
}

/** @param samples each with the sequence number of the event it came with */
export async function insertMemorySamples(
  db: Queryable,
  runId: string,
  samples: readonly { readonly seq: number; readonly point: MemoryPoint }[],
  at: Date,
): Promise<void> {
  if (!samples.length) return;
  const column = (of: (point: MemoryPoint) => number | null) =>
    samples.map(({ point }) => of(point)).map((value) => (value === null ? null : String(Math.round(value))));
  await db.$executeRaw`
    insert into memory_sample (run_id, seq, step, at, used, peak, device_used, device_total)
    select ${runId}, seq::bigint, step::bigint, ${at}, used::bigint, peak::bigint, device_used::bigint, device_total::bigint
    from unnest(
      ${samples.map((sample) => String(sample.seq))}::text[],
      ${column((p) => p.step)}::text[], ${column((p) => p.used)}::text[], ${column((p) => p.peak)}::text[],
      ${column((p) => p.deviceUsed)}::text[], ${column((p) => p.deviceTotal)}::text[]
    ) s (seq, step, used, peak, device_used, device_total)`;
}

export interface MemorySeries {
  readonly unit: 'bytes';
  /** What a memory probe, or a run with a memoryBudget, may not exceed; null for other runs. */
  readonly budget: number | null;
  readonly points: readonly StoredMemoryPoint[];
}

/**
 * A run's memory over time, or within a range of steps, at most `maxPoints` windows of equally many samples: each gives its last sample with the highest
 * peak of the window and the most in use on the device, so that no peak is lost.
 */
export async function memorySeries(
  db: Queryable,
  runId: string,
  maxPoints: number,
  steps: StepRange = {},
): Promise<MemorySeries> {
  const rows = await db.$queryRaw<
    { step: bigint; at: Date; used: bigint; peak: bigint; device_used: bigint | null; device_total: bigint | null }[]
  >`
    with numbered as (
      select *, (row_number() over (order by seq) - 1) * ${maxPoints}::int / greatest(count(*) over (), ${maxPoints}::int) as bucket
      from memory_sample where run_id = ${runId} and ${inSteps(steps)}
    )
    select distinct on (bucket) step, at, used, max(peak) over (partition by bucket) as peak,
      max(device_used) over (partition by bucket) as device_used, device_total
    from numbered order by bucket, seq desc`;
  const run = await db.run.findUnique({
    where: { id: runId },
    select: { config: true, probe: { select: { budget: true } } },
  });
  const { memoryBudget } = (run?.config ?? {}) as Partial<TrainingConfig>;
  const points = rows.map((row) => ({
    step: Number(row.step),
    at: row.at,
    used: Number(row.used),
    peak: Number(row.peak),
    deviceUsed: row.device_used === null ? null : Number(row.device_used),
    deviceTotal: row.device_total === null ? null : Number(row.device_total),
  }));
  return { unit: 'bytes', budget: run?.probe ? Number(run.probe.budget) : (memoryBudget ?? null), points };
}
