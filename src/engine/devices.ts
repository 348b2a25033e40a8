/** The devices of this machine and who uses their memory. CUDA is read from nvidia-smi, as NVIDIA's driver reports it. */

import { execFile } from 'node:child_process';
import { cpus, freemem, loadavg, totalmem } from 'node:os';
import { promisify } from 'node:util';

export interface DeviceProcess {
  readonly pid: number;
  readonly memoryBytes: number;
}

export interface Device {
  /** Among the devices of its kind, as CUDA_VISIBLE_DEVICES counts. */
  readonly index: number;
  readonly kind: 'CUDA' | 'CPU';
  readonly name: string;
  readonly memoryTotalBytes: number | null;
  readonly memoryUsedBytes: number | null;
  /** 0 to 1. */
  readonly utilization: number | null;
  /** Degrees Celsius. */
  readonly temperature: number | null;
  /** Of a GPU: the processes that compute on it. */
  readonly processes: readonly DeviceProcess[];
  /** Version of the driver of a GPU. */
  readonly driver: string | null;
}

const mebibyte = 2 ** 20;
const run = promisify(execFile);

const gpuFields = [
  'index',
  'uuid',
  'name',
  'memory.total',
  'memory.used',
  'utilization.gpu',
  'temperature.gpu',
  'driver_version',
];
const processFields = ['gpu_uuid', 'pid', 'used_memory'];

/** Every CUDA device, then the CPU. */
export async function listDevices(): Promise<Device[]> {
  return [...(await listCudaDevices()), cpuDevice()];
}

/** The CPU, its memory that of the machine, its utilization the load of the last minute per core. */
export function cpuDevice(): Device {
  const cores = cpus();
  const load = (loadavg()[0] ?? 0) / Math.max(1, cores.length);
  return {
    index: 0,
    kind: 'CPU',
    name: `${cores[0]?.model.trim() ?? 'CPU'} (${cores.length} cores)`,
    memoryTotalBytes: totalmem(),
    memoryUsedBytes: totalmem() - freemem(),
    utilization: Math.min(1, load),
    temperature: null,
    processes: [],
    driver: null,
  };
}

/** The CUDA devices; none where nvidia-smi is missing or fails. */
export async function listCudaDevices(): Promise<Device[]> {
  try {
    const [gpus, processes] = await Promise.all([
      query(`--query-gpu=${gpuFields.join(',')}`),
      query(`--query-compute-apps=${processFields.join(',')}`),
    ]);
    return parseCudaDevices(gpus, processes);
  } catch {
    return [];
  }
}

/** Memory a process holds on all of `devices`, in bytes; null where the driver does not list it. */
export function cudaMemoryOf(devices: readonly Device[], pid: number): number | null {
  const own = devices.flatMap((d) => d.processes.filter((p) => p.pid === pid));
  return own.length ? own.reduce((sum, p) => sum + p.memoryBytes, 0) : null;
}

async function query(what: string): Promise<string> {
  const { stdout } = await run('nvidia-smi', [what, '--format=csv,noheader,nounits'], { timeout: 10_000 });
  return stdout;
}

/** Reads what nvidia-smi prints (CSV without header and units, memory in MiB) for `--query-gpu` and `--query-compute-apps`. */
export function parseCudaDevices(gpus: string, processes: string): Device[] {
  const users = rows(processes).map(([uuid, pid, memory]) => ({ uuid, pid: number(pid), memory: number(memory) }));
  return rows(gpus).map(([index, uuid, name, total, used, utilization, temperature, driver]) => {
    const percent = number(utilization);
    return {
      index: number(index) ?? 0,
      kind: 'CUDA',
      name: name ?? 'CUDA',
      memoryTotalBytes: bytes(number(total)),
      memoryUsedBytes: bytes(number(used)),
      utilization: percent === null ? null : percent / 100,
      temperature: number(temperature),
      processes: users.flatMap(({ uuid: on, pid, memory }) =>
        on === uuid && pid !== null && memory !== null ? [{ pid, memoryBytes: memory * mebibyte }] : [],
      ),
      driver: driver ?? null,
    };
  });
}

const rows = (csv: string): string[][] =>
  csv
    .split('\n')
    .filter((line) => line.includes(','))
    .map((line) => line.split(',').map((field) => field.trim()));

const bytes = (mebibytes: number | null): number | null => (mebibytes === null ? null : mebibytes * mebibyte);

/** nvidia-smi writes [N/A] or [Not Supported] for what a card does not tell. */
function number(field: string | undefined): number | null {
  return field && Number.isFinite(Number(field)) ? Number(field) : null;
}
