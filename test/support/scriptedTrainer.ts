/**
 * A trainer that computes nothing: it plays the part that `config.weightsUri` names. A real process, as the worker forks it.
 */

import type { EpochMetrics } from '../../src/domain/run.ts';
import type { TrainerCommand, TrainerEvent, TrainerJob } from '../../src/domain/trainer.ts';

const send = (event: TrainerEvent) => new Promise<void>((resolve) => process.send!(event, () => resolve()));
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const forever = () => new Promise(() => setInterval(() => {}, 1000));

let canceled = false;
process.once('disconnect', () => process.exit(1));
process.on('message', (command: TrainerCommand) => {
  if (command.kind === 'cancel') canceled = true;
  if (command.kind === 'job') void play(command.job).then(() => process.exit(0));
});

const environment = { engine: 'script', device: 'none', precision: 'FP32', versions: { script: '1' } } as const;
const finished: TrainerEvent = { kind: 'finished', imagesPerSecond: 100, peakMemory: 1e9, trainSeconds: 2 };

async function play(job: TrainerJob): Promise<void> {
  const [part, argument = ''] = (job.config.weightsUri ?? 'succeed').split(':');
  await send({ kind: 'started', environment });
  if (job.task.kind === 'probe') return probe(job, part!, Number(argument));
  await send(progress('PREPARING', 0));
  switch (part) {
    case 'succeed':
      return succeed(job);
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

/** Takes 1 GiB divided by the accumulation; below the accumulation given it dies, as if memory had run out. */
async function probe(job: TrainerJob, part: string, from: number): Promise<void> {
  const { accumulation } = job.config;
  if (part === 'probe-dies' && accumulation < from) {
    const failure = { code: 'OUT_OF_MEMORY', message: 'bad_alloc', retryable: false } as const;
    return send({ kind: 'failed', failure });
  }
  if (part === 'probe-fails') {
    return send({ kind: 'failed', failure: { code: 'DATA_UNREADABLE', message: 'no such image', retryable: false } });
  }
  if (part === 'patient') {
    while (!canceled) await sleep(20);
    return;
  }
  await send({ kind: 'probed', peakMemory: 2 ** 30 / accumulation, imagesPerSecond: 10 * accumulation });
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
