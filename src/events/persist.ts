import { setTimeout as sleep } from 'node:timers/promises';
import { isDatabaseAway } from '../domain/absence.ts';

/** Milliseconds between tries. */
const pause = 250;
/** Tries of who opens a stream, who would rather hear of it: five seconds outlive a restart of the database. */
const openingTries = 20;

/**
 * A read that outlives a restart of the database: its reader only waits, no longer than until the signal aborts. Other failures are
 * not waited out.
 * @param tries Infinity for a stream that somebody follows already
 */
export async function persist<T>(
  read: () => Promise<T>,
  signal: AbortSignal,
  tries: number = openingTries,
): Promise<T> {
  for (let done = 1; ; done++) {
    try {
      return await read();
    } catch (error) {
      if (done === tries || signal.aborted || !isDatabaseAway(error)) throw error;
      await sleep(pause, undefined, { signal }).catch(() => {});
    }
  }
}
