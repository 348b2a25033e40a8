import { setTimeout as sleep } from 'node:timers/promises';

/** Tries of a read and the milliseconds between them: five seconds outlive a restart of the database. */
const tries = 20;
const pause = 250;

/** A read that outlives a restart of the database: its reader only waits, no longer than until the signal aborts. */
export async function persist<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let done = 1; ; done++) {
    try {
      return await read();
    } catch (error) {
      if (done === tries || signal.aborted) throw error;
      await sleep(pause, undefined, { signal }).catch(() => {});
    }
  }
}
