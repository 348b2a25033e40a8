/** What devices have reported while somebody looked, kept while one looks elsewhere: the API tells the newest report only. */

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

const none: readonly DeviceReport[] = [];

/** Names a device among those of all workers. */
function keyOf(workerId: string, index: number): string {
  return `${workerId} ${index}`;
}

export interface DeviceHistory {
  note(worker: ReportingWorker): void;
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
    of: (workerId, index) => histories.get(keyOf(workerId, index)) ?? none,
    keep(workerIds) {
      for (const key of histories.keys()) if (!workerIds.has(key.split(' ')[0]!)) histories.delete(key);
    },
  };
}

/** Of this tab. */
export const deviceHistory = createDeviceHistory();
