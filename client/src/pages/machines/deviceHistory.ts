/**
 * What devices have reported: what the server remembers of the last hour, and every report since somebody looks. Kept while one looks
 * elsewhere.
 */

/** One report. */
export interface DeviceReport {
  /** Seconds since the epoch, by the server's clock. */
  readonly at: number;
  /** Bytes in use, by whatever program; null where the driver does not tell. */
  readonly used: number | null;
  /** Bytes of the processes that work for our runs. */
  readonly ours: number;
  /** 0 to 1. */
  readonly utilization: number | null;
}

interface ReportingDevice {
  readonly index: number;
  readonly memoryUsed: number | null;
  readonly utilization: number | null;
  readonly processes: readonly { readonly memory: number; readonly run: object | null }[];
}

export interface ReportingWorker {
  readonly id: string;
  readonly lastSeenAt: string;
  readonly devices: readonly ReportingDevice[];
}

/** What the server remembers of a device. */
export interface DevicePast {
  readonly index: number;
  readonly history: readonly {
    readonly at: string;
    readonly memoryUsed: number | null;
    readonly runMemory: number;
    readonly utilization: number | null;
  }[];
}

/** Reports kept of one device: an hour of one every two seconds. */
const capacity = 1800;

/** With the report at its end, unless it is no newer than the last; without the oldest ones beyond `most`. */
export function withReport(
  reports: readonly DeviceReport[],
  report: DeviceReport,
  most = capacity,
): readonly DeviceReport[] {
  const last = reports.at(-1);
  if (last && report.at <= last.at) return reports;
  return [...reports.slice(Math.max(0, reports.length + 1 - most)), report];
}

export function reportOf(worker: Pick<ReportingWorker, 'lastSeenAt'>, device: ReportingDevice): DeviceReport {
  return {
    at: Date.parse(worker.lastSeenAt) / 1000,
    used: device.memoryUsed,
    ours: device.processes.reduce((sum, { memory, run }) => sum + (run ? memory : 0), 0),
    utilization: device.utilization,
  };
}

/** With those of the past, by time and each once, in place of none that is there; without the oldest ones beyond `most`. */
export function withPast(
  reports: readonly DeviceReport[],
  { history }: DevicePast,
  most = capacity,
): readonly DeviceReport[] {
  const known = new Set(reports.map(({ at }) => at));
  const past = history.flatMap(({ at, memoryUsed, runMemory, utilization }): DeviceReport[] => {
    const seconds = Date.parse(at) / 1000;
    return known.has(seconds) ? [] : [{ at: seconds, used: memoryUsed, ours: runMemory, utilization }];
  });
  if (past.length === 0) return reports;
  return [...past, ...reports].sort((a, b) => a.at - b.at).slice(-most);
}

/** Seconds of a part of the course of utilization: of each the server remembers one report. */
const part = 12;

/**
 * The utilization of each of the last parts of time, by the last report in it, the newest at the end; null where there is none. Parts
 * before the first report are left out.
 */
export function utilizationCourse(reports: readonly DeviceReport[], parts = 60): readonly (number | null)[] {
  const byPart = new Map(reports.map(({ at, utilization }) => [Math.floor(at / part), utilization]));
  const [first, last] = [Math.min(...byPart.keys()), Math.max(...byPart.keys())];
  const shown = Math.min(parts, last - first + 1);
  return Array.from({ length: shown }, (_, index) => byPart.get(last - shown + 1 + index) ?? null);
}

const none: readonly DeviceReport[] = [];

/** Names a device among those of all workers. */
function keyOf(workerId: string, index: number): string {
  return `${workerId} ${index}`;
}

export interface DeviceHistory {
  note(worker: ReportingWorker): void;
  /** Adds what the server remembers of a worker's devices. */
  fill(workerId: string, devices: readonly DevicePast[]): void;
  /** Oldest first; the same array until there is another report. */
  of(workerId: string, index: number): readonly DeviceReport[];
  /** Forgets workers that are not among these. */
  keep(workerIds: ReadonlySet<string>): void;
}

export function createDeviceHistory(): DeviceHistory {
  const histories = new Map<string, readonly DeviceReport[]>();
  return {
    note(worker) {
      for (const device of worker.devices) {
        const key = keyOf(worker.id, device.index);
        histories.set(key, withReport(histories.get(key) ?? none, reportOf(worker, device)));
      }
    },
    fill(workerId, devices) {
      for (const device of devices) {
        const key = keyOf(workerId, device.index);
        histories.set(key, withPast(histories.get(key) ?? none, device));
      }
    },
    of: (workerId, index) => histories.get(keyOf(workerId, index)) ?? none,
    keep(workerIds) {
      for (const key of histories.keys()) if (!workerIds.has(key.split(' ')[0]!)) histories.delete(key);
    },
  };
}

/** Of this tab. */
export const deviceHistory = createDeviceHistory();
