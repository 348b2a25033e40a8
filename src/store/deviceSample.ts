/** What devices were doing within the last hour. */

import type { Queryable } from './queryable.ts';

export interface DeviceSample {
  readonly workerId: string;
  readonly index: number;
  readonly at: Date;
  /** Bytes in use by whatever program; null where the driver does not tell. */
  readonly memoryUsed: number | null;
  /** Bytes of the processes that work for runs. */
  readonly runMemory: number;
  /** 0 to 1; null where the machine does not tell. */
  readonly utilization: number | null;
}

/** Milliseconds for which samples are kept. */
const keptMs = 3_600_000;

/** Keeps what the devices of a worker are doing now, as it has just reported; samples that are too old go. */
export async function sampleDevices(db: Queryable, workerId: string, at: Date): Promise<void> {
  await db.$executeRaw`
    insert into device_sample (worker_id, index, at, memory_used, run_memory, utilization)
    select worker_id, index, ${at}, memory_used, coalesce((
      select sum((p ->> 'memory')::bigint) from jsonb_array_elements(processes) p where (p ->> 'pid')::int in (
        select pid from attempt where worker_id = ${workerId} and finished_at is null)), 0), utilization
    from device where worker_id = ${workerId}
    on conflict do nothing`;
  await db.deviceSample.deleteMany({ where: { workerId, at: { lt: new Date(at.getTime() - keptMs) } } });
}

/**
 * Samples of the devices of several workers, oldest first; of each device at most `maxPoints`, the one with the most memory in use of each
 * of as many equal parts of the hour.
 */
export async function findDeviceSamples(
  db: Queryable,
  workerIds: readonly string[],
  maxPoints: number,
): Promise<DeviceSample[]> {
  const part = keptMs / 1000 / maxPoints;
  return db.$queryRaw<DeviceSample[]>`
    select "workerId", index, at, "memoryUsed", "runMemory", utilization from (
      select distinct on ("workerId", index, part) * from (
        select worker_id as "workerId", index, at, memory_used::float8 as "memoryUsed", run_memory::float8 as "runMemory", utilization,
          floor(extract(epoch from at) / ${part}::float8) as part
        from device_sample where worker_id = any(${[...workerIds]}::text[])) parted
      order by "workerId", index, part, "memoryUsed" desc nulls last, "runMemory" desc, at
    ) chosen
    order by "workerId", index, at`;
}
