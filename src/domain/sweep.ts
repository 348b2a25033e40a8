import { isTerminal, type RunStatus } from './run.ts';

/** The status of a set of runs as a whole; an empty set has SUCCEEDED. */
export function combinedStatus(counts: readonly { readonly status: RunStatus; readonly count: number }[]): RunStatus {
  const present = new Set(counts.filter((c) => c.count > 0).map((c) => c.status));
  if (present.has('CANCELING')) return 'CANCELING';
  if (present.has('RUNNING')) return 'RUNNING';
  const waiting = present.has('QUEUED');
  // Some have ended and some wait for a device: under way.
  if (waiting) return [...present].some(isTerminal) ? 'RUNNING' : 'QUEUED';
  if (present.has('FAILED')) return 'FAILED';
  return present.has('CANCELED') ? 'CANCELED' : 'SUCCEEDED';
}
