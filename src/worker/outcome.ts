import type { AttemptOutcome } from '../commands/attempt.ts';
import type { TrainerJob } from '../domain/trainer.ts';
import type { TrainerEnd } from './trainerProcess.ts';

/** Trains one job of an attempt in a child and tells how that ended. */
export type TrainJob = (job: Pick<TrainerJob, 'task' | 'config'>) => Promise<TrainerEnd>;

/** What the end of a trainer means for its run. */
export function outcomeOf(end: TrainerEnd): AttemptOutcome {
  if (end.kind === 'crashed') return { status: 'FAILED', failure: end.failure };
  const { event } = end;
  switch (event.kind) {
    case 'finished':
    case 'probed': {
      const { imagesPerSecond, peakMemory } = event;
      return {
        status: 'SUCCEEDED',
        imagesPerSecond,
        peakMemory,
        trainSeconds: event.kind === 'finished' ? event.trainSeconds : null,
      };
    }
    case 'failed':
      return { status: 'FAILED', failure: event.failure };
  }
}
