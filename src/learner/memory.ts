/** Memory over windows of steps. */

import { cudaMemoryOf, listCudaDevices } from '../engine/devices.ts';
import { readProcessMemory, resetPeakMemory } from '../engine/memory.ts';

/** In bytes. */
export interface MemorySample {
  /** The process now: resident memory, or what the driver says it holds on its GPU. */
  readonly used: number;
  /** Its high-water mark since the sample before. */
  readonly peak: number;
  /** Of the whole GPU; null on a CPU. */
  readonly deviceUsed: number | null;
  readonly deviceTotal: number | null;
}

export interface MemorySampler {
  /** Ends one window and begins the next. */
  sample(): Promise<MemorySample>;
}

/** Resident memory of this process. Where the system cannot reset its high-water mark, the peak is that of its whole life. */
export function createProcessMemorySampler(): MemorySampler {
  return {
    async sample() {
      const { currentBytes, peakBytes } = await readProcessMemory();
      await resetPeakMemory();
      return { used: currentBytes, peak: Math.max(peakBytes, currentBytes), deviceUsed: null, deviceTotal: null };
    },
  };
}

/** Memory of this process on CUDA device `deviceIndex`, from the driver: TensorFlow never gives any back, so now is the peak. */
export function createCudaMemorySampler(deviceIndex: number): MemorySampler {
  return {
    async sample() {
      const devices = await listCudaDevices();
      const device = devices.find(({ index }) => index === deviceIndex);
      const used = cudaMemoryOf(devices, process.pid) ?? device?.memoryUsedBytes ?? 0;
      return {
        used,
        peak: used,
        deviceUsed: device?.memoryUsedBytes ?? null,
        deviceTotal: device?.memoryTotalBytes ?? null,
      };
    },
  };
}
