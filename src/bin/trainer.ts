/** Computes one attempt of one run for the worker that forked it, and ends. It talks over IPC only. */

import { writeFile } from 'node:fs/promises';
import { isReport, type TrainerCommand, type TrainerEvent, type TrainerJob, trainerLead } from '../domain/trainer.ts';
import { listCudaDevices } from '../engine/devices.ts';
import { openEngine } from '../engine/openEngine.ts';
import { failureOf } from '../learner/failure.ts';
import { createCudaMemorySampler, createProcessMemorySampler } from '../learner/memory.ts';
import { trainRun } from '../learner/trainRun.ts';
import { openImagePipeline } from '../vision/pipeline.ts';
import { startWatchdog } from './watchdog.ts';

const canceled = new AbortController();
const draining = new AbortController();
/** Events sent and not stored yet; past `trainerLead` the computation waits. */
let ahead = 0;
let caughtUp: (() => void) | undefined;
/** Settles when the file of the last checkpoint has been taken away: there are never more than two. */
let lastTaken = Promise.resolve();
let taken: (() => void) | undefined;

startWatchdog();
// Ctrl-C in a terminal reaches the whole group: the worker decides what becomes of the run.
process.on('SIGINT', () => {});
// The worker is gone; another one will start this run again.
process.once('disconnect', () => process.exit(1));
process.on('message', (command: TrainerCommand) => {
  switch (command.kind) {
    case 'job':
      void run(command.job);
      break;
    case 'cancel':
      canceled.abort();
      break;
    case 'drain':
      draining.abort();
      break;
    case 'taken':
      taken?.();
      break;
    case 'written':
      ahead = Math.max(0, ahead - command.events);
      caughtUp?.();
      break;
  }
});

async function run(job: TrainerJob): Promise<void> {
  await offerToBeKilledFirst();
  if (job.resources.device !== 'cpu') {
    // Numbered as nvidia-smi does, and no other GPU to be seen.
    process.env.CUDA_DEVICE_ORDER = 'PCI_BUS_ID';
    process.env.CUDA_VISIBLE_DEVICES ??= String(job.resources.deviceIndex);
  }
  try {
    const { precision } = job.config;
    const engine = await openEngine({ ...job.resources, precision, environment: process.env });
    const gpus = engine.info.name === 'tensorflow' ? await listCudaDevices() : [];
    const onGpu = gpus.some((gpu) => gpu.name === engine.info.device);
    const memory = onGpu ? createCudaMemorySampler(job.resources.deviceIndex) : createProcessMemorySampler();
    // What is no training has nothing to write before it ends.
    const signal = job.task.kind === 'train' ? canceled.signal : AbortSignal.any([canceled.signal, draining.signal]);
    const openImages = openImagePipeline;
    const dependencies = { engine, openImages, memory, now: Date.now, signal, drain: draining.signal };
    for await (const event of trainRun(job, dependencies)) await send(event);
  } catch (error) {
    await send({ kind: 'failed', failure: failureOf(error) });
  }
  await flushOutput();
  process.exit(0);
}

/** An exit would drop what the pipes to the worker have not taken yet. */
async function flushOutput(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => {
      stream.write('', () => resolve());
    });
  }
}

/** Settles when the event is on its way and the worker is not too far behind. */
async function send(event: TrainerEvent): Promise<void> {
  if (event.kind === 'checkpoint') {
    await lastTaken;
    lastTaken = new Promise((resolve) => {
      taken = resolve;
    });
  }
  await new Promise<void>((resolve) => {
    process.send!(event, () => resolve());
  });
  if (isReport(event)) return;
  for (ahead++; ahead > trainerLead; ) {
    await new Promise<void>((resolve) => {
      caughtUp = resolve;
    });
  }
}

/** When memory runs out, the kernel shall take this process and leave the database and the server alone. Linux only. */
async function offerToBeKilledFirst(): Promise<void> {
  await writeFile('/proc/self/oom_score_adj', '500').catch(() => {});
}
