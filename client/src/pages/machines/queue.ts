/** What workers are at and what waits for them, in the order in which it is begun. */

import { duration } from '../../format/numbers.ts';

export interface QueuedRun {
  readonly id: string;
  readonly status: string;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly nextAttemptAt: string | null;
}

/**
 * Runs under way, longest at it first; then those that wait: the oldest first, and last those that wait for a moment that has been set.
 * A run that was begun between the two answers is in both, and counts as under way.
 */
export function inOrder<Run extends QueuedRun>(active: readonly Run[], queued: readonly Run[]): readonly Run[] {
  const begun = new Set(active.map(({ id }) => id));
  const runs = [...active, ...queued.filter(({ id }) => !begun.has(id))];
  const rank = ({ status, nextAttemptAt }: Run) => (status !== 'QUEUED' ? 0 : nextAttemptAt === null ? 1 : 2);
  const since = (run: Run) => [run.startedAt ?? run.createdAt, run.createdAt, run.nextAttemptAt ?? ''][rank(run)]!;
  return runs.sort((a, b) => rank(a) - rank(b) || compare(since(a), since(b)) || compare(a.id, b.id));
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

export interface QueuedProgress {
  readonly phase: string;
  readonly epoch: number;
  readonly epochs: number;
  readonly batch: number;
  readonly batches: number;
  readonly etaSeconds: number | null;
}

/** How much is done, 0 to 1 (null while nobody can know), and in words. */
export function progressOf(progress: QueuedProgress): { readonly share: number | null; readonly text: string } {
  const { phase, epoch, epochs, batch, batches, etaSeconds } = progress;
  const left = etaSeconds === null ? '' : `, ${duration(etaSeconds)} left`;
  switch (phase) {
    case 'PREPARING':
      return { share: null, text: 'prepares' };
    case 'PREDICTING':
      return { share: null, text: `predicts${left}` };
    default: {
      const done = epoch + (phase !== 'VALIDATING' && batches > 0 ? batch / batches : 0);
      const unit = phase === 'PROBING' ? 'network' : 'epoch';
      return {
        share: epochs > 0 ? Math.min(done / epochs, 1) : null,
        text: `${unit} ${Math.min(epoch + 1, epochs)} of ${epochs}${left}`,
      };
    }
  }
}
