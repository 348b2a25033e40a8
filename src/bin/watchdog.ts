import { Worker } from 'node:worker_threads';
import { lease, pulseDescriptor } from '../domain/lease.ts';

/**
 * Ends this process (SIGKILL) when the worker that forked it is dead, stopped or hanging. In a thread of its own, which computing
 * does not keep from looking.
 */
export function startWatchdog(): void {
  const workerData = { descriptor: pulseDescriptor, silence: lease.silence, over: lease.over };
  new Worker(new URL('./watchdogThread.mjs', import.meta.url), { workerData, execArgv: [] }).unref();
}
