/** When a training writes checkpoints, and where it goes on from one. */

import path from 'node:path';
import { checkpointName, describePlace, trainingFingerprint } from '../domain/checkpoint.ts';
import type { ResumedFrom, TrainerEvent, TrainerJob } from '../domain/trainer.ts';
import type { TrainingConfig } from '../domain/trainingConfig.ts';
import { messageOf } from '../errors.ts';
import type { TrainerDependencies } from './attempt.ts';
import { type OpenCheckpoint, openCheckpoint, type TrainingState, writeCheckpoint } from './checkpointFile.ts';
import type { Learner } from './learner.ts';
import type { FitEvent } from './loop.ts';
import type { RunReporter } from './reporter.ts';
import { type Fit, planFits } from './schedules.ts';

/** The checkpoint that a job goes on from, for its training alone; null: it begins from the start. */
export async function resumedCheckpoint({ resume, config, images }: TrainerJob): Promise<OpenCheckpoint | null> {
  if (!resume?.checkpoint) return null;
  return openCheckpoint(resume.checkpoint.path, trainingFingerprint(config, images));
}

/** What the attempt takes over, for the worker. */
export function resumedFrom({ header, state }: OpenCheckpoint, config: TrainingConfig): ResumedFrom {
  const { epoch, step } = state.reporter;
  return { epoch, step, attempt: header.attempt, trained: state.fit === planFits(config).length };
}

/** Writes the checkpoints of an attempt into its output directory. */
export class CheckpointWriter {
  readonly #job: TrainerJob;
  readonly #deps: TrainerDependencies;
  readonly #learner: Learner;
  readonly #reporter: RunReporter;
  readonly #fingerprint: string;
  #writtenAt: number;

  constructor(job: TrainerJob, deps: TrainerDependencies, learner: Learner, reporter: RunReporter) {
    this.#job = job;
    this.#deps = deps;
    this.#learner = learner;
    this.#reporter = reporter;
    this.#fingerprint = trainingFingerprint(job.config, job.images);
    this.#writtenAt = deps.now();
  }

  /**
   * After an event of fit number `number` has been told: writes a checkpoint where one is due, which is after every epoch, every so
   * many minutes, and when the worker stops; then the sequence ends.
   */
  async *after(event: FitEvent, fit: Fit, number: number): AsyncGenerator<TrainerEvent, void> {
    if (event.kind === 'epochStarted' || event.kind === 'diverged') return;
    const stopping = this.#deps.drain.aborted;
    if (event.kind === 'epoch' || stopping || this.#isDue()) {
      const { state } = event;
      yield* this.#write(
        state.epoch === fit.epochs ? { fit: number + 1, fitState: null } : { fit: number, fitState: state },
      );
    }
    this.#deps.drain.throwIfAborted();
  }

  #isDue(): boolean {
    const { everyMinutes } = this.#job.config.checkpoints;
    return everyMinutes > 0 && this.#deps.now() - this.#writtenAt >= everyMinutes * 60_000;
  }

  /** What cannot be written is a line in the log: the training itself is not hurt. */
  async *#write(position: Pick<TrainingState, 'fit' | 'fitState'>): AsyncGenerator<TrainerEvent, void> {
    const { config, attempt, resources } = this.#job;
    if (config.checkpoints.keepLast === 0) return;
    // What is told before a checkpoint is stored before it: nothing can be lost by going on from there.
    yield* await this.#reporter.told();
    const reporter = this.#reporter.state;
    const place = { epoch: reporter.epoch, batch: position.fitState?.batch ?? 0 };
    const name = checkpointName(place);
    const file = path.join(resources.outputDirectory, name);
    try {
      const header = { fingerprint: this.#fingerprint, attempt };
      await writeCheckpoint(file, header, { ...position, reporter }, this.#learner);
      yield { kind: 'checkpoint', checkpoint: { name, path: file } };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      const line = `the checkpoint ${describePlace(place)} could not be written: ${messageOf(error)}`;
      yield { kind: 'log', stream: 'trainer', line };
    }
    this.#writtenAt = this.#deps.now();
  }
}
