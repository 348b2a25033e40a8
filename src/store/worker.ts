import type { Queryable } from './queryable.ts';

export type DeviceKind = 'CUDA' | 'WEBGPU' | 'CPU';

export interface DeviceProcess {
  readonly pid: number;
  /** Bytes. */
  readonly memory: number;
  /** The run that the process trains; null when it is none of ours, or no more. */
  readonly runId: string | null;
}

export interface Device {
  readonly workerId: string;
  /** Among the devices of its worker, from 0. */
  readonly index: number;
  readonly name: string;
  readonly kind: DeviceKind;
  /** Bytes; null where the machine does not tell, as are the next three. */
  readonly memoryTotal: number | null;
  readonly memoryUsed: number | null;
  /** 0 to 1. */
  readonly utilization: number | null;
  /** Degrees Celsius. */
  readonly temperature: number | null;
  readonly processes: readonly DeviceProcess[];
}

export interface Worker {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  /** The engine it starts trainers with. */
  readonly engine: string;
  readonly startedAt: Date;
  readonly lastSeenAt: Date;
  /** Set when it stopped in order. */
  readonly stoppedAt: Date | null;
  readonly devices: readonly Device[];
  /** Runs it has in hand. */
  readonly currentRunIds: readonly string[];
}

/** Names the process of a worker for others on its machine; left out where the system does not tell. */
export interface WorkerProcess {
  /** Boot and process namespace in which `pid` means something. */
  readonly machine?: string | undefined;
  readonly pidStart?: string | undefined;
}

/** Silence (milliseconds) after which a worker counts as offline: several missed heartbeats. */
const workerSilenceMs = 10_000;

export function isOnline(worker: Pick<Worker, 'lastSeenAt' | 'stoppedAt'>, now: Date): boolean {
  return worker.stoppedAt === null && now.getTime() - worker.lastSeenAt.getTime() < workerSilenceMs;
}

/** A device as its worker measures it: processes are bare numbers. */
export type DeviceReading = Omit<Device, 'workerId' | 'processes'> & {
  readonly processes: readonly { readonly pid: number; readonly memory: number }[];
};

export async function insertWorker(
  db: Queryable,
  worker: Pick<Worker, 'id' | 'host' | 'pid' | 'version' | 'engine' | 'startedAt'> & WorkerProcess,
): Promise<void> {
  const { machine = null, pidStart = null } = worker;
  await db.worker.create({ data: { ...worker, machine, pidStart, lastSeenAt: worker.startedAt } });
}

/** Says the worker is alive. */
export async function touchWorker(db: Queryable, id: string, at: Date): Promise<void> {
  await db.worker.update({ where: { id }, data: { lastSeenAt: at } });
}

export async function markWorkerStopped(db: Queryable, id: string, at: Date): Promise<void> {
  await db.worker.update({ where: { id }, data: { stoppedAt: at, lastSeenAt: at } });
}

/** Stores the newest reading of each device. */
export async function putDevices(db: Queryable, workerId: string, devices: readonly DeviceReading[]): Promise<void> {
  for (const { index, processes, ...reading } of devices) {
    const bytes = (value: number | null) => (value === null ? null : BigInt(Math.round(value)));
    const columns = {
      ...reading,
      memoryTotal: bytes(reading.memoryTotal),
      memoryUsed: bytes(reading.memoryUsed),
      processes: processes.map(({ pid, memory }) => ({ pid, memory })),
    };
    await db.device.upsert({
      where: { workerId_index: { workerId, index } },
      create: { workerId, index, ...columns },
      update: columns,
    });
  }
}

/** Workers that have not stopped in order, newest first: those online, and those lost within the last day. */
export async function listWorkers(db: Queryable, now: Date): Promise<Worker[]> {
  const rows = await db.worker.findMany({
    where: { stoppedAt: null, lastSeenAt: { gt: new Date(now.getTime() - 86_400_000) } },
    orderBy: [{ startedAt: 'desc' }, { id: 'desc' }],
    include: parts,
  });
  return rows.map(workerOfRow);
}

/** By id; ids that do not exist are missing from the map. */
export async function getWorkers(db: Queryable, ids: readonly string[]): Promise<Map<string, Worker>> {
  const rows = await db.worker.findMany({ where: { id: { in: [...ids] } }, include: parts });
  return new Map(rows.map((row) => [row.id, workerOfRow(row)]));
}

const parts = {
  devices: { orderBy: { index: 'asc' } },
  attempts: { where: { finishedAt: null }, select: { runId: true, pid: true } },
} as const;

type WorkerRow = NonNullable<Awaited<ReturnType<typeof findRow>>>;
const findRow = (db: Queryable) => db.worker.findFirst({ include: parts });

function workerOfRow({ devices, attempts, ...row }: WorkerRow): Worker {
  const runOfPid = new Map(attempts.map((attempt) => [attempt.pid, attempt.runId]));
  return {
    ...row,
    currentRunIds: attempts.map((attempt) => attempt.runId),
    devices: devices.map((device) => ({
      ...device,
      memoryTotal: device.memoryTotal === null ? null : Number(device.memoryTotal),
      memoryUsed: device.memoryUsed === null ? null : Number(device.memoryUsed),
      processes: (device.processes as { pid: number; memory: number }[]).map((process) => ({
        ...process,
        runId: runOfPid.get(process.pid) ?? null,
      })),
    })),
  };
}
