/**
 * A trainer that computes nothing: it plays the part that `config.weightsUri` names, `PART` or `PART ARGUMENT`. A real process, as the worker forks it.
 */

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startWatchdog } from '../../src/bin/watchdog.ts';
import type { EpochMetrics } from '../../src/domain/run.ts';
import type { TrainerCommand, TrainerEvent, TrainerJob } from '../../src/domain/trainer.ts';
import { story } from './story.ts';

const send = (event: TrainerEvent) => new Promise<void>((resolve) => process.send!(event, () => resolve()));
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const forever = () => new Promise(() => setInterval(() => {}, 1000));

startWatchdog();
let canceled = false;
process.once('disconnect', () => process.exit(1));
process.on('message', (command: TrainerCommand) => {
  if (command.kind === 'cancel') canceled = true;
  if (command.kind === 'drain') process.exit(0);
  if (command.kind === 'job') void play(command.job).then(() => process.exit(0));
});

const environment = { engine: 'onnxruntime', device: 'script', precision: 'FP32', versions: { script: '1' } } as const;
const finished: TrainerEvent = { kind: 'finished', imagesPerSecond: 100, peakMemory: 1e9, trainSeconds: 2 };

async function play(job: TrainerJob): Promise<void> {
  const { part = '', argument = '' } =
    /^(?<part>\S+) ?(?<argument>.*)$/.exec(job.config.weightsUri ?? 'succeed')?.groups ?? {};
  const engine = part === 'probe-elsewhere' ? 'elsewhere' : environment.engine;
  await send({ kind: 'started', environment: { ...environment, engine }, resumedFrom: null });
  if (job.task.kind === 'probe') return probe(job, part, argument);
  if (job.task.kind === 'compare') return compare(job, job.task.accumulation);
  await send(progress('PREPARING', 0));
  switch (part) {
    case 'succeed':
      return succeed(job);
    case 'story':
      // All that a training tells, with a pause of so many milliseconds between one step and the next.
      for await (const event of story(job)) {
        await send(event);
        if (event.kind === 'progress' && argument) await sleep(Number(argument));
        if (canceled) return;
      }
      return;
    case 'slow':
      // A point every 20 ms until it has given as many as asked for.
      for (let step = 1; step <= Number(argument); step++) {
        await send({ kind: 'metrics', points: [{ name: 'train/loss', step, value: 1 / step }] });
        await sleep(20);
        if (canceled) return;
      }
      await send(finished);
      return;
    case 'patient':
      // Ends when it is asked to.
      await send(progress(argument as 'FROZEN', 1));
      while (!canceled) await sleep(20);
      return;
    case 'steady': {
      // Tells of its throughput, and ends when it is asked to.
      const steady = progress('FROZEN', 1) as Extract<TrainerEvent, { kind: 'progress' }>;
      await send({ kind: 'progress', progress: { ...steady.progress, imagesPerSecond: Number(argument) } });
      while (!canceled) await sleep(20);
      return;
    }
    case 'stubborn':
      process.on('SIGTERM', () => {});
      await send(progress('FROZEN', 1));
      await forever();
      return;
    case 'late':
      // Has finished before it hears of the cancel.
      await send(progress('PREDICTING', 1));
      while (!canceled) await sleep(20);
      await send(finished);
      return;
    case 'signal':
      console.error('about to die');
      await sleep(50);
      process.kill(process.pid, argument);
      await forever();
      return;
    case 'exit':
      console.log('giving up');
      process.exitCode = Number(argument);
      process.exit();
      return;
    case 'heap':
      console.error('FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory');
      await sleep(50);
      process.abort();
      return;
    case 'leave':
      return leave(job, argument);
    case 'fail':
      await send({ kind: 'failed', failure: { code: 'DIVERGED', message: 'the loss is NaN', retryable: false } });
      return;
    case 'hungry': {
      // Runs out of memory below the accumulation given.
      await send({ kind: 'metrics', points: [{ name: 'train/loss', step: 1, value: job.config.accumulation }] });
      if (job.config.accumulation >= Number(argument)) return send(finished);
      const failure = { code: 'OUT_OF_MEMORY', message: 'bad_alloc', retryable: false } as const;
      return send({ kind: 'failed', failure });
    }
    case 'allocate':
      await allocate(Number(argument) / job.config.accumulation);
      return send(finished);
    case 'flood':
      for (let i = 0; i < Number(argument); i++) console.log(`line ${i}`);
      await send(finished);
      await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
      return;
    default:
      throw new Error(`no such part: ${part}`);
  }
}

async function succeed(job: TrainerJob): Promise<void> {
  for (let index = 0; index < job.config.epochs; index++) {
    await send(progress('FROZEN', index));
    const points = [
      { name: 'train/loss', step: index + 1, value: 1 / (index + 1) },
      { name: 'valid/error_rate', step: index + 1, value: 0.5 / (index + 1) },
    ];
    await send({ kind: 'metrics', points });
    const point = { step: index + 1, used: 5e8, peak: 1e9, deviceUsed: null, deviceTotal: null };
    await send({ kind: 'memory', point });
    await send({ kind: 'epoch', epoch: epoch(index) });
  }
  const imageIds = job.images.filter((image) => image.split === 'TEST').map((image) => image.imageId);
  const vocab = [...new Set(job.images.flatMap((image) => image.label ?? []))].sort();
  const probabilities = new Float32Array(imageIds.length * vocab.length).fill(1 / vocab.length);
  const predictions = { split: 'TEST', kind: 'PLAIN', imageIds, vocab, probabilities, passes: 0, beta: null } as const;
  await send({ kind: 'predictions', predictions });
  await send(finished);
}

/** Leaves a file (`argument` as its content), or tells of one that it has not written, or dies once it has. */
async function leave({ resources }: TrainerJob, argument: string): Promise<void> {
  const file = path.join(resources.outputDirectory, 'weights.safetensors');
  if (argument !== 'nothing') await writeFile(file, argument);
  await send({ kind: 'artifact', artifact: { kind: 'WEIGHTS', name: 'weights.safetensors', path: file } });
  if (argument === 'and die') process.kill(process.pid, 'SIGKILL');
  await send(finished);
}

/** Says that it takes 1 GiB divided by the accumulation, or takes what `probe-allocates` says, divided by it. */
async function probe(job: TrainerJob, part: string, argument: string): Promise<void> {
  const { accumulation, architecture } = job.config;
  if (part === 'probe-dies' && accumulation < Number(argument)) {
    const failure = { code: 'OUT_OF_MEMORY', message: 'bad_alloc', retryable: false } as const;
    return send({ kind: 'failed', failure });
  }
  if (part === 'probe-fails' && architecture.startsWith(argument)) {
    return send({ kind: 'failed', failure: { code: 'DATA_UNREADABLE', message: 'no such image', retryable: false } });
  }
  if (part === 'patient' && architecture.startsWith(argument)) {
    while (!canceled) await sleep(20);
    return;
  }
  const imagesPerSecond = 10 * accumulation;
  if (part === 'allocate') {
    await allocate(Number(argument) / accumulation);
    return send({ kind: 'probed', peakMemory: process.memoryUsage.rss(), imagesPerSecond });
  }
  await send({ kind: 'probed', peakMemory: 2 ** 30 / accumulation, imagesPerSecond });
}

async function compare(job: TrainerJob, accumulation: number): Promise<void> {
  if (job.config.weightsUri === 'probe-incomparable') {
    return send({ kind: 'failed', failure: { code: 'INTERNAL', message: 'no gradient', retryable: false } });
  }
  const gradients = { gradientMax: 1, gradientDifference: 1e-6, gradientCosine: 1 };
  const samples = job.config.effectiveBatchSize;
  await send({ kind: 'compared', equivalence: { accumulation, samples, loss: 1, lossDifference: 0, ...gradients } });
}

const allocated: Buffer[] = [];

/** Makes so many MiB resident, and keeps what may be more than a test allows until somebody has had time to see it. */
async function allocate(mebibytes: number): Promise<void> {
  const piece = 16;
  for (let taken = 0; taken < mebibytes; taken += piece) {
    allocated.push(Buffer.alloc(piece * 2 ** 20, 1));
    await sleep(5);
  }
  if (mebibytes > 350) await sleep(5_000);
}

function progress(phase: 'PREPARING' | 'FROZEN' | 'PREDICTING', epoch: number): TrainerEvent {
  const counts = { epoch, epochs: 2, batch: 0, batches: 1, imagesPerSecond: null, etaSeconds: null };
  return { kind: 'progress', progress: { phase, ...counts } };
}

function epoch(index: number): EpochMetrics {
  return {
    ...{ index, phase: 'FROZEN', trainLoss: 1, validLoss: 1, errorRate: 0.5 / (index + 1), accuracy: 0.5, seconds: 1 },
    ...{ learningRates: [1e-4, 1e-3], momentum: 0.9, imagesPerSecond: 100, peakMemory: 1e9 },
  };
}
