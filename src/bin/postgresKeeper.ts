import { setTimeout as sleep } from 'node:timers/promises';
import { isEmbeddedPostgresAlive, startEmbeddedPostgres } from '../db/embeddedPostgres.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';

const interval = 1_000;
/** Between tries: a disk may be full. */
const longestDelay = 10_000;

/** Starts the home's PostgreSQL again when it has ended: killed, or because its disk was full. Returns what stops that. */
export function keepPostgres(home: string, log: Logger): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const watch = async () => {
    for (let delay = interval; !signal.aborted; ) {
      await sleep(delay, undefined, { signal }).catch(() => {});
      if (signal.aborted || isEmbeddedPostgresAlive(home)) {
        delay = interval;
        continue;
      }
      try {
        await startEmbeddedPostgres(home);
        log.warn('the embedded PostgreSQL had ended and was started again');
      } catch (error) {
        delay = Math.min(2 * delay, longestDelay);
        log.error(
          { problem: messageOf(error), againInMs: delay },
          'the embedded PostgreSQL has ended and does not start',
        );
      }
    }
  };
  const watching = watch();
  return async () => {
    stopping.abort();
    await watching;
  };
}
