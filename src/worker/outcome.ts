import type { AttemptOutcome } from '../commands/attempt.ts';
import type { CommandContext } from '../commands/context.ts';
import type { TrainerEvent, TrainerJob } from '../domain/trainer.ts';
import type { Run } from '../store/run.ts';
import type { HeldAttempt } from './heldAttempt.ts';
import type { TrainerEnd } from './trainerProcess.ts';

/** Trains one job of an attempt in a child and tells how that ended. */
export type TrainJob = (job: Pick<TrainerJob, 'task' | 'config'>) => Promise<TrainerEnd>;

/** What a task of an attempt works with. */
export interface TaskOptions {
  readonly ctx: CommandContext;
  readonly run: Run;
  readonly attempt: HeldAttempt;
  readonly train: TrainJob;
  /** Tells the run's subscribers; settles when that and all before is stored. */
  readonly tell: (event: TrainerEvent) => Promise<void>;
}

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
