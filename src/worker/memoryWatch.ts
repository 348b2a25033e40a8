import { readMemoryOf } from '../engine/memory.ts';

/** Milliseconds between two looks. */
const interval = 100;

/**
 * Looks at a process until it has had more than `limit` bytes resident, which `onExceeded` is told once, or until the function
 * returned is called. Where the system has no /proc it sees nothing.
 */
export function watchMemory(pid: number, limit: number, onExceeded: (bytes: number) => void): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async () => {
    const memory = await readMemoryOf(pid);
    if (stopped) return;
    // The high-water mark tells what came and went since the last look; the process itself may have reset it.
    const bytes = memory ? Math.max(memory.currentBytes, memory.peakBytes) : 0;
    if (bytes > limit) onExceeded(bytes);
    else timer = setTimeout(look, interval);
  };
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
