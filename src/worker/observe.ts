/** What is counted of a worker's jobs, attempts and devices. */

import type { RunFailureCode, RunStatus } from '../domain/run.ts';
import type { TrainerEvent } from '../domain/trainer.ts';
import type { Logger } from '../log.ts';
import type { WorkerMetrics } from '../metrics/worker.ts';
import type { DeviceReading } from '../store/worker.ts';
import type { HeldAttempt } from './heldAttempt.ts';

/** Times a job. */
export async function observeJob<T>({ jobs }: WorkerMetrics, kind: string, work: () => Promise<T>): Promise<T> {
  const end = jobs.startTimer({ kind });
  try {
    const result = await work();
    end({ outcome: 'done' });
    return result;
  } catch (error) {
    end({ outcome: 'failed' });
    throw error;
  }
}

/** LOST: somebody else has taken over, or nothing could be stored. */
export interface AttemptEnd {
  readonly status: RunStatus | 'LOST';
  readonly code?: RunFailureCode | undefined;
}

/** Counts how an attempt has ended. Its run is in hand no more. */
export function observeEnd(metrics: WorkerMetrics, runId: string, { status, code }: AttemptEnd): void {
  metrics.attempts.inc({ status, code: code ?? '' });
  metrics.imagesPerSecond.remove({ run: runId });
  metrics.trainerMemory.remove({ run: runId });
}

/** Takes its numbers out of an event that is stored. What the trainer wrote is in the worker's log too, from the level debug on. */
export function observeEvent(metrics: WorkerMetrics, log: Logger, run: string, event: TrainerEvent): void {
  if (event.kind === 'progress' && event.progress.imagesPerSecond !== null) {
    metrics.imagesPerSecond.set({ run }, event.progress.imagesPerSecond);
  }
  if (event.kind === 'checkpoint' && event.stored) {
    metrics.checkpoints.inc();
    metrics.checkpointBytes.inc(event.stored.size);
  }
  if (event.kind === 'log') log.debug({ stream: event.stream, line: event.line }, 'trainer');
}

/** The newest readings of the devices, and of the trainers on them. */
export function observeDevices(
  metrics: WorkerMetrics,
  devices: readonly DeviceReading[],
  attempts: readonly HeldAttempt[],
): void {
  for (const { name, index, memoryUsed, memoryTotal, processes } of devices) {
    const labels = { device: name, index: String(index) };
    if (memoryUsed !== null) metrics.deviceMemoryUsed.set(labels, memoryUsed);
    if (memoryTotal !== null) metrics.deviceMemoryTotal.set(labels, memoryTotal);
    for (const { pid, memory } of processes) {
      const attempt = attempts.find((held) => held.pid === pid);
      if (attempt) metrics.trainerMemory.set({ run: attempt.token.runId }, memory);
    }
  }
}
