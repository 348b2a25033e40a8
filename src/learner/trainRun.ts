/** One attempt of one run, as a sequence of events. */

import type { TrainerEvent, TrainerJob } from '../domain/trainer.ts';
import type { TrainerDependencies } from './attempt.ts';
import type { OpenCheckpoint } from './checkpointFile.ts';
import { resumedCheckpoint, resumedFrom } from './checkpoints.ts';
import { compareAccumulation } from './equivalence.ts';
import { failureOf } from './failure.ts';
import { probe } from './probe.ts';
import { train } from './train.ts';

/**
 * Runs the job. The last event is `finished`, `probed` or `compared`, or `failed` with the reason; after one of the signals aborts the
 * sequence just ends, with a checkpoint where `drain` has asked for one. Everything opened on the way is closed again; the engine is the caller's.
 */
export async function* trainRun(job: TrainerJob, deps: TrainerDependencies): AsyncGenerator<TrainerEvent, void> {
  const { engine, signal, drain } = deps;
  let checkpoint: OpenCheckpoint | null = null;
  try {
    signal.throwIfAborted();
    const { name, device, precision } = engine.info;
    // Sums are split among threads: another number of them rounds otherwise.
    const versions = { ...engine.info.versions, threads: String(job.resources.computeThreads) };
    checkpoint = job.task.kind === 'train' ? await resumedCheckpoint(job) : null;
    yield {
      kind: 'started',
      environment: { engine: name, device, precision, versions },
      resumedFrom: checkpoint && resumedFrom(checkpoint, job.config),
    };
    const wanted = job.config.precision;
    if (wanted !== 'AUTO' && wanted !== precision) {
      yield { kind: 'log', stream: 'trainer', line: `${name} computes in ${precision}, not in ${wanted} as asked` };
    }
    switch (job.task.kind) {
      case 'train':
        yield* train(job, deps, checkpoint);
        break;
      case 'probe':
        yield* probe(job, job.task.steps, deps);
        break;
      case 'compare':
        yield* compareAccumulation(job, job.task.accumulation, deps);
        break;
    }
  } catch (error) {
    if (!signal.aborted && !drain.aborted) yield { kind: 'failed', failure: failureOf(error) };
  } finally {
    await checkpoint?.close();
  }
}
