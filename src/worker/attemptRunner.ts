/** One attempt from the claimed job to the settled run. */

import {
  type BegunAttempt,
  beginAttempt,
  recordTrainerPid,
  requeueAttempt,
  retryAttempt,
  settleAttempt,
} from '../commands/attempt.ts';
import type { CommandContext } from '../commands/context.ts';
import { recordEvents } from '../commands/recordEvents.ts';
import type { TrainerEvent, TrainerJob, TrainerResources } from '../domain/trainer.ts';
import type { Hub } from '../hub/hub.ts';
import { machineKey, processStart } from '../locks/processes.ts';
import { type Logger, withLogIds } from '../log.ts';
import type { WorkerMetrics } from '../metrics/worker.ts';
import { releaseAttempt, secondsBefore } from '../store/lease.ts';
import type { Run } from '../store/run.ts';
import { type AttemptEnding, endingOf } from './attemptEnding.ts';
import { CheckpointKeeper, findResume } from './checkpoints.ts';
import { EventBatcher } from './eventBatcher.ts';
import { HeldAttempt, type Moment, moment } from './heldAttempt.ts';
import { provideImages } from './images.ts';
import { configOf } from './jobParts.ts';
import type { Machine } from './machine.ts';
import { type AttemptEnd, observeEnd, observeEvent } from './observe.ts';
import type { TaskOutcome, TrainJob } from './outcome.ts';
import { AttemptOutput } from './outputs.ts';
import { persist } from './persist.ts';
import { probe } from './probe.ts';
import { reasonOf } from './reason.ts';
import { awaitFormerTrainers } from './takeover.ts';
import { startTrainer, type Trainer } from './trainerProcess.ts';
import { trainToEnd } from './training.ts';
import { provideWeights } from './weights.ts';

export interface AttemptRunnerOptions {
  readonly ctx: CommandContext;
  readonly workerId: string;
  readonly trainerModule: string;
  readonly trainerEnvironment: Readonly<Record<string, string | undefined>>;
  /** Where pretrained weights come from. */
  readonly hub: Hub;
  /** `outputDirectory`: each attempt gets a folder of its own below. */
  readonly resources: TrainerResources;
  readonly machine: Machine;
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
  /** The attempts in hand, for cancel messages and heartbeats. */
  readonly held: Set<HeldAttempt>;
}

/** Runs the next attempt of a run to its end, and those that follow it at once. Does nothing when the run is not wanted any more. */
export async function runAttempt(
  options: AttemptRunnerOptions,
  job: { readonly runId: string; readonly redelivered: boolean },
): Promise<void> {
  const asked = moment();
  const first = await beginAttempt(options.ctx, { ...job, workerId: options.workerId });
  let taken: TakenAttempt | null = first && { ...first, asked };
  while (taken) taken = await holdAttempt(options, taken);
}

/** `asked`: when the database was asked for it. */
type TakenAttempt = BegunAttempt & { readonly asked: Moment };

/** Runs an attempt to its end. Returns the one that follows. */
async function holdAttempt(options: AttemptRunnerOptions, begun: TakenAttempt): Promise<TakenAttempt | null> {
  return withLogIds({ runId: begun.run.id, attempt: begun.attempt }, () => hold(options, begun));
}

async function hold(
  options: AttemptRunnerOptions,
  { run, attempt: number, asked }: TakenAttempt,
): Promise<TakenAttempt | null> {
  const { ctx, held, log, metrics } = options;
  const attempt = new HeldAttempt({ runId: run.id, attempt: number }, configOf(run).maxSeconds, asked);
  held.add(attempt);
  log.info('attempt begun');
  let ended: AttemptEnd = { status: 'LOST' };
  try {
    const end = await compute(options, run, attempt);
    if (attempt.lost) {
      log.warn('attempt lost');
      await persist(() => releaseAttempt(ctx.db.prisma, attempt.token));
      return null;
    }
    const last = endingOf(attempt, end);
    const next = await settle(options, attempt, end, last);
    ended = { status: last.status, code: last.status === 'FAILED' ? last.failure.code : undefined };
    log.info(ended, 'attempt ended');
    return next;
  } finally {
    held.delete(attempt);
    observeEnd(metrics, run.id, ended);
  }
}

/** Stores how an attempt has ended. Returns the one that follows. */
async function settle(
  { ctx, workerId }: AttemptRunnerOptions,
  attempt: HeldAttempt,
  end: TaskOutcome,
  last: AttemptEnding,
): Promise<TakenAttempt | null> {
  if (end.status === 'RETRY' && attempt.reason === undefined) {
    const { failure, accumulation } = end;
    // Not again when it fails: nobody would know whether the next attempt has begun. The queue delivers the job again, which takes over.
    const asked = moment();
    const next = await retryAttempt(ctx, attempt.token, { workerId, failure, accumulation });
    return next && { ...next, asked };
  }
  await persist(() =>
    last.status === 'QUEUED' ? requeueAttempt(ctx, attempt.token) : settleAttempt(ctx, attempt.token, last),
  );
  return null;
}

async function compute(options: AttemptRunnerOptions, run: Run, attempt: HeldAttempt): Promise<TaskOutcome> {
  const { ctx, machine, log } = options;
  const child: CurrentTrainer = {};
  const batcher = openBatcher(options, attempt, child);
  const tell = async (event: TrainerEvent) => {
    batcher.add(event);
    await batcher.flush();
  };
  const add = (event: TrainerEvent) => batcher.add(event);
  const checkpoints = new CheckpointKeeper(ctx, attempt.token.runId, add);
  let output: AttemptOutput | undefined;
  try {
    if (attempt.maxSeconds !== null)
      attempt.startClock(await persist(() => secondsBefore(ctx.db.prisma, attempt.token)));
    await awaitFormerTrainers(ctx, attempt, machineKey(), (line) => add({ kind: 'log', stream: 'trainer', line }));
    const found = await provideImages(ctx, run, { signal: attempt.signal, tell: add });
    if (found.outcome) {
      await batcher.flush();
      return found.outcome;
    }
    const { images } = found;
    const config = configOf(run);
    output = await persist(() => AttemptOutput.open(options.resources.outputDirectory, attempt.token));
    const resume = run.kind === 'TRAINED' ? await findResume(ctx, attempt.token, { config, images }, add) : null;
    const resumed = resume?.checkpoint != null;
    // A checkpoint has every weight: what the training began with is not needed again.
    const provided = resumed
      ? { weights: null }
      : await provideWeights(config, { hub: options.hub, signal: attempt.signal, tell: add, files: ctx.files });
    if (provided.outcome) {
      await batcher.flush();
      return provided.outcome;
    }
    const skipped = run.skippedImages?.map(({ imageId }) => imageId) ?? null;
    const parts = { images, skipped, weights: provided.weights, resume, output, checkpoints };
    const train = trainJob(options, attempt, parts, batcher, child);
    const task = { ctx, run, attempt, machine, train, tell, resumed };
    const outcome = await (run.kind === 'MEMORY_PROBE' ? probe(task) : trainToEnd(task));
    await checkpoints.settled();
    await batcher.flush();
    if (outcome.status !== 'SUCCEEDED' || attempt.unstored || attempt.lost) return outcome;
    const report = (line: string) => tell({ kind: 'log', stream: 'trainer', line });
    return { ...outcome, artifacts: await output.keep(ctx, report) };
  } catch (error) {
    log.error({ ...attempt.token, err: error }, 'attempt failed');
    await batcher.flush();
    return { status: 'FAILED', failure: { code: 'INTERNAL', message: reasonOf(error), retryable: true } };
  } finally {
    await output?.remove();
  }
}

/** The trainer of an attempt that runs now: a memory probe has several, one after the other. */
interface CurrentTrainer {
  trainer?: Pick<Trainer, 'written'>;
}

/** Stores what an attempt tells. Ends the attempt when that cannot be done. */
function openBatcher(
  { ctx, log, metrics }: AttemptRunnerOptions,
  attempt: HeldAttempt,
  child: CurrentTrainer,
): EventBatcher {
  return new EventBatcher({
    write: (events) => recordEvents(ctx, attempt.token, events),
    onWritten: (events) => {
      for (const event of events) observeEvent(metrics, log, attempt.token.runId, event);
      child.trainer?.written(events.filter(isMessage).length);
    },
    onLost: (error) => {
      if (error === undefined) return attempt.end('lost');
      log.error({ ...attempt.token, err: error }, 'events could not be stored');
      attempt.giveUp(error);
    },
  });
}

function trainJob(
  { ctx, log, resources, trainerModule, trainerEnvironment }: AttemptRunnerOptions,
  attempt: HeldAttempt,
  parts: Pick<TrainerJob, 'images' | 'skipped' | 'weights' | 'resume'> & {
    readonly output: AttemptOutput;
    readonly checkpoints: CheckpointKeeper;
  },
  batcher: EventBatcher,
  child: CurrentTrainer,
): TrainJob {
  const { output, checkpoints, ...known } = parts;
  const shared = { ...known, resources: { ...resources, outputDirectory: output.directory } };
  return ({ task, config }, memoryLimit) => {
    const trainer = startTrainer({
      module: trainerModule,
      environment: trainerEnvironment,
      job: { ...attempt.token, ...shared, task, config },
      memoryLimit,
      signal: attempt.signal,
      fenced: attempt.fenced,
      onStart: async (pid) => {
        attempt.pid = pid;
        try {
          const start = processStart(pid) ?? null;
          if ((await persist(() => recordTrainerPid(ctx, attempt.token, pid, start))) === 'ok') return true;
          attempt.end('lost');
        } catch (error) {
          log.error({ ...attempt.token, err: error }, 'the trainer could not be registered');
          attempt.giveUp(error);
        }
        return false;
      },
      onEvent: (event) => {
        if (event.kind === 'started') attempt.engine = event.environment.engine;
        if (event.kind === 'artifact') output.add(event.artifact);
        if (event.kind === 'checkpoint') checkpoints.take(event, () => trainer.taken());
        else batcher.add(event);
      },
      onLine: (event) => {
        batcher.add(event);
        return batcher.room();
      },
    });
    child.trainer = trainer;
    return trainer.ended;
  };
}

/** Lines of output do not come as messages: they are held back at their pipe. */
function isMessage(event: TrainerEvent): boolean {
  return event.kind !== 'log' || event.stream === 'trainer';
}
