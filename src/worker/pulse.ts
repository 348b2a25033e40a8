import type { Writable } from 'node:stream';
import { lease } from '../domain/lease.ts';

/** Signs of life of this worker for a trainer: see src/bin/watchdog.ts. */
export interface Pulse {
  /** Milliseconds of the longest time that it has missed so far, because this process was stopped or hung. */
  longestGap(): number;
  stop(): void;
}

/** @param onBeat called with every beat */
export function startPulse(stream: Writable, onBeat: () => void): Pulse {
  let beaten = performance.now();
  let longest = 0;
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - beaten);
    return now;
  };
  const beat = () => {
    beaten = look();
    stream.write('.');
    onBeat();
  };
  // A trainer that is gone is reported by its end.
  stream.on('error', () => {});
  beat();
  const timer = setInterval(beat, lease.pulse);
  return {
    longestGap: () => {
      look();
      return longest;
    },
    stop: () => clearInterval(timer),
  };
}
