import type { AttemptOutcome } from '../commands/attempt.ts';
import type { CommandContext } from '../commands/context.ts';
import type { RunFailure } from '../domain/run.ts';
import type { TrainerEvent, TrainerJob } from '../domain/trainer.ts';
import type { Run } from '../store/run.ts';
import type { HeldAttempt } from './heldAttempt.ts';
import type { Machine } from './machine.ts';
import type { MemoryLimit } from './memoryLimit.ts';
import type { TrainerEnd } from './trainerProcess.ts';

/** Trains one job of an attempt in a child, which is ended at a limit of memory if there is one, and tells how that ended. */
export type TrainJob = (
  job: Pick<TrainerJob, 'task' | 'config'>,
  memoryLimit: MemoryLimit | null,
) => Promise<TrainerEnd>;

/** What a task of an attempt works with. */
export interface TaskOptions {
  readonly ctx: CommandContext;
  readonly run: Run;
  readonly attempt: HeldAttempt;
  readonly machine: Machine;
  readonly train: TrainJob;
  /** Whether it goes on from a checkpoint. */
  readonly resumed: boolean;
  /** Tells the run's subscribers; settles when that and all before is stored. */
  readonly tell: (event: TrainerEvent) => Promise<void>;
}

/** An attempt that another one shall follow at once, with more accumulation. */
export interface Retry {
  readonly status: 'RETRY';
  readonly failure: RunFailure;
  readonly accumulation: number;
}

export type TaskOutcome = AttemptOutcome | Retry;

/** Why a trainer has not done its task; null when it has. */
export function failureOf(end: TrainerEnd): RunFailure | null {
  if (end.kind !== 'reported') return end.failure;
  return end.event.kind === 'failed' ? end.event.failure : null;
}
