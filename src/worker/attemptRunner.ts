/** One attempt from the claimed job to the settled run. */

import {
  type AttemptOutcome,
  beginAttempt,
  raiseAccumulation,
  recordTrainerPid,
  requeueAttempt,
  settleAttempt,
} from '../commands/attempt.ts';
import type { CommandContext } from '../commands/context.ts';
import { recordEvents } from '../commands/recordEvents.ts';
import type { RunFailure } from '../domain/run.ts';
import type { TrainerEvent, TrainerResources } from '../domain/trainer.ts';
import { doubledAccumulation } from '../domain/trainingConfig.ts';
import { messageOf } from '../errors.ts';
import type { Hub } from '../hub/hub.ts';
import type { Logger } from '../log.ts';
import { longestJobSeconds } from '../queue/queue.ts';
import type { Run } from '../store/run.ts';
import { EventBatcher } from './eventBatcher.ts';
import { HeldAttempt } from './heldAttempt.ts';
import { configOf, trainerImages } from './jobParts.ts';
import { outcomeOf, type TaskOptions, type TrainJob } from './outcome.ts';
import { AttemptOutput } from './outputs.ts';
import { persist } from './persist.ts';
import { probe } from './probe.ts';
import { startTrainer } from './trainerProcess.ts';
import { provideWeights } from './weights.ts';

/** Milliseconds an attempt may take: the job ends before the queue would take it away. */
const timeLimit = (longestJobSeconds - 600) * 1000;

export interface AttemptRunnerOptions {
  readonly ctx: CommandContext;
  readonly workerId: string;
  readonly trainerModule: string;
  /** Where pretrained weights come from. */
  readonly hub: Hub;
  /** `outputDirectory`: each attempt gets a folder of its own below. */
  readonly resources: TrainerResources;
  readonly log: Logger;
  /** The attempts in hand, for cancel messages and heartbeats. */
  readonly held: Set<HeldAttempt>;
}

/** Runs the next attempt of a run to its end. Does nothing when the run is not wanted any more. */
export async function runAttempt(
  options: AttemptRunnerOptions,
  job: { readonly runId: string; readonly redelivered: boolean },
): Promise<void> {
  const { ctx, workerId, held, log } = options;
  const begun = await beginAttempt(ctx, { ...job, workerId });
  if (!begun) return;
  const attempt = new HeldAttempt({ runId: job.runId, attempt: begun.attempt });
  const deadline = setTimeout(() => attempt.end('timeout'), timeLimit);
  held.add(attempt);
  log.info(attempt.token, 'attempt begun');
  try {
    const end = await compute(options, begun.run, attempt);
    if (attempt.lost) log.warn(attempt.token, 'attempt lost');
    else await settle(ctx, attempt, end);
    log.info({ ...attempt.token, status: end.status }, 'attempt ended');
  } finally {
    clearTimeout(deadline);
    held.delete(attempt);
  }
}

async function settle(ctx: CommandContext, attempt: HeldAttempt, end: AttemptOutcome): Promise<void> {
  const { unstored } = attempt;
  // What the trainer completed counts, also when it was asked to stop meanwhile.
  const givenUp = end.status === 'SUCCEEDED' && !unstored ? undefined : attempt.reason;
  await persist(() => {
    switch (givenUp) {
      case 'drain':
        return requeueAttempt(ctx, attempt.token);
      case 'cancel':
        return settleAttempt(ctx, attempt.token, { status: 'CANCELED' });
      case 'timeout':
        return settleAttempt(ctx, attempt.token, { status: 'FAILED', failure: timedOut });
      case 'unstored':
        return settleAttempt(ctx, attempt.token, { status: 'FAILED', failure: incomplete(unstored!.error) });
      case 'lost':
      case undefined:
        return settleAttempt(ctx, attempt.token, end);
    }
  });
}

async function compute(options: AttemptRunnerOptions, run: Run, attempt: HeldAttempt): Promise<AttemptOutcome> {
  const { ctx, log } = options;
  let trainer: { written(events: number): void } | undefined;
  const batcher = new EventBatcher({
    write: (events) => recordEvents(ctx, attempt.token, events),
    onWritten: (events) => trainer?.written(events.filter(isMessage).length),
    onLost: (error) => {
      if (error === undefined) return attempt.end('lost');
      log.error({ ...attempt.token, err: error }, 'events could not be stored');
      attempt.giveUp(error);
    },
  });
  let output: AttemptOutput | undefined;
  try {
    const images = await trainerImages(ctx, run);
    const opened = await AttemptOutput.open(options.resources.outputDirectory, attempt.token);
    output = opened;
    const resources = { ...options.resources, outputDirectory: opened.directory };
    const provided = await provideWeights(configOf(run), {
      hub: options.hub,
      signal: attempt.signal,
      tell: (event) => batcher.add(event),
    });
    if (provided.outcome) {
      await batcher.flush();
      return provided.outcome;
    }
    const { weights } = provided;
    const train: TrainJob = async ({ task, config }) => {
      const started = startTrainer({
        module: options.trainerModule,
        job: { ...attempt.token, task, config, images, weights, resources },
        signal: attempt.signal,
        onStart: (pid) => {
          attempt.pid = pid;
          persist(() => recordTrainerPid(ctx, attempt.token, pid)).catch((error: unknown) =>
            log.warn({ ...attempt.token, err: error }, 'the trainer could not be registered'),
          );
        },
        onEvent: (event) => {
          if (event.kind === 'artifact') opened.add(event.artifact);
          batcher.add(event);
        },
        onLine: (event) => {
          batcher.add(event);
          return batcher.room();
        },
      });
      trainer = started;
      return started.ended;
    };
    const tell = async (event: TrainerEvent) => {
      batcher.add(event);
      await batcher.flush();
    };
    const outcome =
      run.kind === 'MEMORY_PROBE'
        ? await probe({ ctx, run, attempt, train, tell })
        : await trainToEnd({ ctx, run, attempt, train, tell });
    await batcher.flush();
    if (outcome.status !== 'SUCCEEDED' || attempt.unstored || attempt.lost) return outcome;
    const report = (line: string) => tell({ kind: 'log', stream: 'trainer', line });
    return { ...outcome, artifacts: await opened.keep(ctx, report) };
  } catch (error) {
    log.error({ ...attempt.token, err: error }, 'attempt failed');
    await batcher.flush();
    return { status: 'FAILED', failure: { code: 'INTERNAL', message: messageOf(error), retryable: false } };
  } finally {
    await output?.remove();
  }
}

/** Trains once; with `autoAccumulation`, again from the start with twice the accumulation whenever memory runs out. */
async function trainToEnd({ ctx, run, attempt, train, tell }: TaskOptions): Promise<AttemptOutcome> {
  for (let config = configOf(run); ; ) {
    const outcome = outcomeOf(await train({ task: { kind: 'train' }, config }));
    const isOutOfMemory = outcome.status === 'FAILED' && outcome.failure.code === 'OUT_OF_MEMORY';
    const next = config.autoAccumulation && isOutOfMemory && !attempt.reason ? doubledAccumulation(config) : null;
    if (!next) return outcome;
    const line = `memory ran out with accumulation ${config.accumulation}: starting over with ${next.accumulation}`;
    await tell({ kind: 'log', stream: 'trainer', line });
    await persist(() => raiseAccumulation(ctx, attempt.token, next.accumulation));
    config = next;
  }
}

/** Lines of output do not come as messages: they are held back at their pipe. */
function isMessage(event: TrainerEvent): boolean {
  return event.kind !== 'log' || event.stream === 'trainer';
}

function incomplete(error: unknown): RunFailure {
  const message = `what the trainer told could not be stored: ${messageOf(error)}`;
  return { code: 'INTERNAL', message, retryable: true };
}

const timedOut: RunFailure = {
  code: 'TIMEOUT',
  message: `an attempt may take ${Math.round(timeLimit / 3_600_000)} hours; train fewer epochs or smaller images`,
  retryable: false,
};
