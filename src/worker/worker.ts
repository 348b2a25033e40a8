/** A worker: takes jobs, one per free device, trains each in a child process, and tells the database that it is alive. */

import { rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandContext } from '../commands/context.ts';
import { registerWorker, stopWorker } from '../commands/worker.ts';
import type { Config } from '../config.ts';
import type { Listener } from '../db/listener.ts';
import type { TrainerResources } from '../domain/trainer.ts';
import { readMemoryOf } from '../engine/memory.ts';
import { runCancelChannel } from '../events/waker.ts';
import { removeAbandonedFolders } from '../files/datasetFolders.ts';
import { createHub } from '../hub/hub.ts';
import { machineKey, processStart } from '../locks/processes.ts';
import { type Logger, type LogIds, withLogIds } from '../log.ts';
import { createRegistry } from '../metrics/registry.ts';
import { createWorkerMetrics, type WorkerMetrics } from '../metrics/worker.ts';
import type { JobKind } from '../queue/queue.ts';
import { findUnpackedDatasets } from '../store/dataset.ts';
import { version } from '../version.ts';
import { type AttemptRunnerOptions, runAttempt } from './attemptRunner.ts';
import { importDatasetJob } from './datasetImport.ts';
import { readDevices, type TrainingDevice, trainingDevices } from './deviceReadings.ts';
import { startHeartbeat } from './heartbeat.ts';
import type { HeldAttempt } from './heldAttempt.ts';
import { machineOf } from './machine.ts';
import { workerMemoryLimit } from './memoryLimit.ts';
import { observeJob } from './observe.ts';
import { outputsOf, removeAbandonedOutputs } from './outputs.ts';
import { createVersionWatch } from './versionWatch.ts';

export interface WorkerOptions {
  readonly config: Config;
  readonly ctx: CommandContext;
  readonly listener: Listener;
  readonly log: Logger;
  /** What computes an attempt; tests put a script here. */
  readonly trainerModule?: string;
}

export interface RunningWorker {
  readonly id: string;
  readonly metrics: WorkerMetrics;
  /** Settles, with a sentence that says so, when a newer version has migrated the database: no job is begun any more. */
  readonly outdated: Promise<string>;
  /** Takes no more jobs, gives the runs in hand back to the queue, and signs off. */
  stop(): Promise<void>;
}

/** Registers the worker and takes jobs, until it is stopped. Throws StartupError when the device asked for is not there. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { config, ctx, listener, log } = options;
  const devices = await trainingDevices(config);
  await removeAbandonedOutputs(config.home);
  await removeAbandonedFolders(config.home, (ids) => findUnpackedDatasets(ctx.db.prisma, ids));
  const engine = engineOf(config, devices);
  const here = machineKey();
  const workerId = await registerWorker(ctx, {
    host: os.hostname(),
    pid: process.pid,
    version,
    engine,
    machine: here,
    pidStart: processStart(process.pid),
    devices: await readDevices([]),
  });
  log.setBindings({ workerId });
  const metrics = createWorkerMetrics(createRegistry('worker', workerId, ctx.db));
  if (devices.some(({ kind }) => kind === 'CPU')) await announceMemoryLimit(options);
  const held = new Set<HeldAttempt>();
  const free = [...devices];
  const stopping = new AbortController();
  const shared = {
    ...{ ctx, workerId, held, log, metrics },
    hub: createHub(config.hub),
    trainerEnvironment: config.trainerEnvironment,
    trainerModule: options.trainerModule ?? fileURLToPath(new URL('../bin/trainer.ts', import.meta.url)),
  };

  const stopListening = listener.listen(runCancelChannel, (runId) => {
    for (const attempt of held) if (attempt.token.runId === runId) attempt.end('cancel');
  });
  await listener.ready();
  const watch = createVersionWatch(ctx.db);
  const stopHeartbeat = startHeartbeat({ ctx, log, workerId, machine: here, held, metrics, watch });

  const consumers = [
    await ctx.queue.work(
      'run',
      ({ payload, redelivered }) =>
        job('run', payload, async () => {
          // As many handlers as devices: one is free.
          const device = free.shift()!;
          try {
            const resources = resourcesOf(config, device, devices.length);
            const machine = machineOf(config, engine, device, resources);
            await runAttempt({ ...shared, resources, machine } satisfies AttemptRunnerOptions, {
              ...payload,
              redelivered,
            });
          } finally {
            free.push(device);
          }
        }),
      { concurrency: devices.length },
    ),
    await ctx.queue.work(
      'dataset.import',
      ({ payload, redelivered }) =>
        job('dataset.import', payload, () =>
          importDatasetJob(ctx, payload.datasetId, { signal: stopping.signal, log, redelivered }),
        ),
      { concurrency: 1 },
    ),
  ];

  return {
    ...{ id: workerId, metrics, outdated: watch.outdated },
    stop: async () => {
      stopping.abort(new Error('this worker is stopping'));
      const stopped = consumers.map((consumer) => consumer.stop());
      // Also those whose handler began while the consumers were being stopped.
      const drain = setInterval(drainAll, 100);
      drainAll();
      await Promise.all(stopped);
      clearInterval(drain);
      stopListening();
      await stopHeartbeat();
      await rm(outputsOf(config.home), { recursive: true, force: true });
      await stopWorker(ctx, workerId);
    },
  };

  /** A job of this worker, unless it takes none any more. */
  function job(kind: JobKind, ids: LogIds, work: () => Promise<void>): Promise<void> {
    return withLogIds(ids, () =>
      observeJob(metrics, kind, async () => {
        stopping.signal.throwIfAborted();
        await watch.check();
        await work();
      }),
    );
  }

  function drainAll(): void {
    for (const attempt of held) attempt.end('drain');
  }
}

/** Says what a trainer may take, or that nobody sees what it takes. */
async function announceMemoryLimit({ config, log }: WorkerOptions): Promise<void> {
  const { bytes } = workerMemoryLimit(config);
  if (await readMemoryOf('self')) log.info({ bytes }, 'trainers are ended above this much resident memory');
  else
    log.warn({ bytes }, 'this system does not tell the memory of a process: no trainer is ended for taking too much');
}

/** The engine that trainers will open: as src/engine/openEngine.ts chooses, without loading any. */
function engineOf({ engine }: Config, devices: readonly TrainingDevice[]): string {
  if (engine !== 'auto') return engine;
  return devices.some(({ kind }) => kind === 'CUDA') ? 'tensorflow' : 'onnxruntime';
}

/** A share of the machine for a trainer on one of `count` devices. */
function resourcesOf(config: Config, device: TrainingDevice, count: number): TrainerResources {
  const cores = Math.max(1, Math.floor(os.availableParallelism() / count));
  return {
    engine: config.engine,
    device: config.device === 'auto' && device.kind === 'CPU' ? 'cpu' : config.device,
    deviceIndex: device.index,
    computeThreads: config.threads || cores,
    loaderThreads: Math.min(8, Math.max(1, Math.ceil(cores / 2))),
    cacheDirectory: path.join(config.home, 'cache', 'images'),
    cacheLimitBytes: config.cacheLimitBytes,
    outputDirectory: outputsOf(config.home),
  };
}
