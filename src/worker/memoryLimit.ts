/** How much memory a trainer may take, and who says so. */

import type { Config } from '../config.ts';
import { usableMemoryBytes } from '../engine/memory.ts';

export interface MemoryLimit {
  readonly bytes: number;
  /** For messages: `the run's memoryBudget`. */
  readonly name: string;
}

/** The worker's own limit of a trainer on a CPU: RUNGRAPH_MEMORY_BYTES, else what the machine can spare. */
export function workerMemoryLimit({ memoryLimitBytes }: Pick<Config, 'memoryLimitBytes'>): MemoryLimit {
  const bytes = memoryLimitBytes ?? spareMemory(usableMemoryBytes());
  return { bytes, name: "the worker's limit (RUNGRAPH_MEMORY_BYTES)" };
}

/** Of a machine's bytes all but an eighth, which is at least 1 GiB but at most half: the database and the system live there. */
export function spareMemory(machine: number): number {
  return Math.floor(machine - Math.min(Math.max(machine / 8, 2 ** 30), machine / 2));
}

/** The tightest of several limits, the first of equals; null when there is none. */
export function tightest(...limits: readonly (MemoryLimit | null)[]): MemoryLimit | null {
  return limits.reduce((a, b) => (a === null || (b !== null && b.bytes < a.bytes) ? b : a), null);
}

/** `1610612736 bytes (1536 MiB)` */
export function describeBytes(bytes: number): string {
  return `${bytes} bytes (${Math.round(bytes / 2 ** 20)} MiB)`;
}
