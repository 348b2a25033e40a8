import type { CommandContext } from '../commands/context.ts';
import { type CleaningOptions, cleanUp } from '../commands/housekeeping.ts';
import type { Logger } from '../log.ts';

const firstDelay = 60_000;
const interval = 3_600_000;

/** Cleans up every hour, unless another server of the database is at it. Returns what stops it. */
export function startHousekeeping(
  ctx: CommandContext,
  { policy }: Pick<CleaningOptions, 'policy'>,
  log: Logger,
): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let working: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;
  const work = async () => {
    try {
      const cleaned = await cleanUp(ctx, { policy, signal });
      if (cleaned && Object.values(cleaned).some((count) => count > 0)) log.info(cleaned, 'cleaned up');
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'cleaning up failed and will be tried again');
    }
  };
  const wait = (delay: number) => {
    timer = setTimeout(() => {
      working = work().then(() => {
        if (!signal.aborted) wait(interval);
      });
    }, delay);
  };
  wait(firstDelay);
  return async () => {
    stopping.abort();
    clearTimeout(timer);
    await working;
  };
}
