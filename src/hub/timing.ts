import { setTimeout as sleep } from 'node:timers/promises';

/** How long the hub is waited for. Tests put their own here. */
export interface HubTiming {
  /** Milliseconds without a byte after which a request is given up. */
  readonly idleMilliseconds: number;
  /** Tries of one request that bring nothing new. */
  readonly tries: number;
  /** Waits before another try. */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export const usualTiming: HubTiming = {
  idleMilliseconds: 30_000,
  tries: 5,
  pause: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
};

const firstPause = 1000;
const longestPause = 30_000;

/** Milliseconds before try `number` (1: the second); what the server asks for counts, within reason. */
export function pauseBefore(number: number, serverSays: number | null): number {
  return Math.min(serverSays ?? firstPause * 2 ** (number - 1), longestPause);
}
