/** What a process has in memory: now, and at most. */

import { readFile, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';

export interface ProcessMemory {
  /** Resident set, in bytes. */
  readonly currentBytes: number;
  /** High-water mark of the resident set, in bytes, since the last `resetPeakMemory` that succeeded, else since the start. */
  readonly peakBytes: number;
}

const kibibyte = 1024;

/** Of this process. Linux tells both through /proc; elsewhere the peak is the operating system's for the process' whole life. */
export async function readProcessMemory(): Promise<ProcessMemory> {
  return (await readMemoryOf('self')) ?? portableProcessMemory();
}

/** Of any process; null when it has ended or the system has no /proc. */
export async function readMemoryOf(pid: number | 'self'): Promise<ProcessMemory | null> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => null);
  return status === null ? null : parseProcStatus(status);
}

/** Bytes that the processes here may fill: the machine's memory, or less where a control group limits it. */
export function usableMemoryBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained ? Math.min(constrained, totalmem()) : totalmem();
}

/** What every platform tells. */
export function portableProcessMemory(): ProcessMemory {
  const currentBytes = process.memoryUsage.rss();
  return { currentBytes, peakBytes: Math.max(currentBytes, process.resourceUsage().maxRSS * kibibyte) };
}

/** VmRSS and VmHWM of /proc/<pid>/status; null when it has none (a kernel thread). */
export function parseProcStatus(status: string): ProcessMemory | null {
  const current = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (!current || !peak) return null;
  return { currentBytes: Number(current) * kibibyte, peakBytes: Number(peak) * kibibyte };
}

/** Starts a new window: the peak falls to what is resident now. False where the system does not allow it. */
export async function resetPeakMemory(): Promise<boolean> {
  try {
    // 5: reset the peak resident set (proc(5)).
    await writeFile('/proc/self/clear_refs', '5');
    return true;
  } catch {
    return false;
  }
}
