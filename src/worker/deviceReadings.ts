/** What this machine's devices are doing, and which of them train. */

import { createRequire } from 'node:module';
import type { Config } from '../config.ts';
import { cpuDevice, type Device, listDevices } from '../engine/devices.ts';
import { readMemoryOf } from '../engine/memory.ts';
import { StartupError } from '../errors.ts';
import type { DeviceReading } from '../store/worker.ts';

/** The devices as the database keeps them: GPUs with the processes the driver lists, the CPU with `pids` and their resident memory. */
export async function readDevices(pids: readonly number[]): Promise<DeviceReading[]> {
  const devices = await listDevices();
  const resident = await Promise.all(
    pids.map(async (pid) => ({ pid, memory: (await readMemoryOf(pid))?.currentBytes ?? null })),
  );
  return devices.map((device, index) => ({
    index,
    name: device.name,
    kind: device.kind,
    memoryTotal: device.memoryTotalBytes,
    memoryUsed: device.memoryUsedBytes,
    utilization: device.utilization,
    temperature: device.temperature,
    processes:
      device.kind === 'CPU'
        ? resident.flatMap(({ pid, memory }) => (memory === null ? [] : [{ pid, memory }]))
        : device.processes.map(({ pid, memoryBytes }) => ({ pid, memory: memoryBytes })),
  }));
}

/** A device that trains one job at a time. */
export interface TrainingDevice {
  readonly kind: Device['kind'];
  readonly name: string;
  /** Among the devices of its kind. */
  readonly index: number;
}

/**
 * The devices to train on: every GPU where TensorFlow for GPUs is installed and the configuration does not say otherwise,
 * else the CPU as a whole. Throws StartupError when DEVICE=cuda finds none.
 */
export async function trainingDevices({
  device,
  engine,
}: Pick<Config, 'device' | 'engine'>): Promise<TrainingDevice[]> {
  const cpu: TrainingDevice = { kind: 'CPU', name: cpuDevice().name, index: 0 };
  if (device === 'cpu' || engine === 'onnxruntime') return [cpu];
  const gpus = (await listDevices())
    .filter(({ kind }) => kind === 'CUDA')
    .map(({ kind, name, index }) => ({ kind, name, index }));
  if (device === 'cuda') {
    if (gpus.length) return gpus;
    throw new StartupError('DEVICE=cuda: nvidia-smi shows no GPU; check the driver, or use DEVICE=auto or cpu');
  }
  return gpus.length && isInstalled('@tensorflow/tfjs-node-gpu') ? gpus : [cpu];
}

function isInstalled(packageName: string): boolean {
  try {
    createRequire(import.meta.url).resolve(packageName);
    return true;
  } catch {
    return false;
  }
}
