/**
 * Peak memory of a trainer process at accumulation 1, 2, 4 and 8, each measured in a fresh child as a memory probe does:
 * `node --import tsx bench/accumulationMemory.ts [architecture] [side] [effective batch]`.
 */

import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { importFolder } from '../src/datasets/importFolder.ts';
import { drawLeafDataset } from '../src/datasets/leaves.ts';
import { countLabels } from '../src/domain/dataset.ts';
import { pulseDescriptor } from '../src/domain/lease.ts';
import type { TrainerCommand, TrainerEvent, TrainerImage, TrainerJob } from '../src/domain/trainer.ts';
import { parseTrainingConfig } from '../src/domain/trainingConfig.ts';
import { startPulse } from '../src/worker/pulse.ts';

const trainer = fileURLToPath(new URL('../src/bin/trainer.ts', import.meta.url));
const [architecture = 'convnext_tiny_in22k', side = '128', effectiveBatchSize = '16'] = process.argv.slice(2);
const threads = availableParallelism();

const folder = await mkdtemp(path.join(tmpdir(), 'rungraph-bench-'));
try {
  const root = path.join(folder, 'leaves');
  await drawLeafDataset(root, { seed: 1 });
  const { images } = await importFolder(root);
  const train = images.filter((image) => image.split === 'TRAIN');
  const smallest = countLabels(train.map((image) => image.label ?? '')).at(-1)!.label;
  const used = train.map((image): TrainerImage => ({ ...image, path: path.join(root, image.path) }));
  console.log(`${architecture}, ${side}x${side}, effective batch ${effectiveBatchSize}, ${threads} threads`);
  console.log('accumulation  micro-batch  peak MiB  images/s');
  for (const accumulation of [1, 2, 4, 8]) {
    const { peakMemory, imagesPerSecond } = await measure(jobOf(accumulation, used, smallest));
    const cells = [accumulation, Number(effectiveBatchSize) / accumulation, Math.round(peakMemory / 2 ** 20)];
    console.log(
      `${String(cells[0]).padStart(12)}${String(cells[1]).padStart(13)}${String(cells[2]).padStart(10)}${imagesPerSecond.toFixed(1).padStart(10)}`,
    );
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

function jobOf(accumulation: number, images: readonly TrainerImage[], label: string): TrainerJob {
  const size = { height: Number(side), width: Number(side) };
  const { config, problems } = parseTrainingConfig({
    architecture,
    pretrained: false,
    itemTransform: { size, method: 'SQUISH' },
    size,
    effectiveBatchSize: Number(effectiveBatchSize),
    accumulation,
    seed: 1,
    labels: [label],
  });
  if (!config) throw new Error(problems.map((problem) => problem.message).join('; '));
  return {
    runId: 'bench',
    attempt: 1,
    task: { kind: 'probe', steps: 3 },
    config,
    images,
    weights: null,
    skipped: null,
    resume: null,
    resources: {
      engine: 'onnxruntime',
      device: 'cpu',
      deviceIndex: 0,
      computeThreads: threads,
      loaderThreads: 1,
      cacheDirectory: path.join(folder, 'cache'),
      cacheLimitBytes: 2 ** 30,
      outputDirectory: folder,
    },
  };
}

/** Runs one probe in a child of its own, as the worker does. */
function measure(job: TrainerJob): Promise<Extract<TrainerEvent, { kind: 'probed' }>> {
  return new Promise((resolve, reject) => {
    const child = fork(trainer, [], {
      execArgv: ['--import', import.meta.resolve('tsx')],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
    });
    const pulse = startPulse(child.stdio[pulseDescriptor] as Writable, () => {});
    child.once('exit', () => pulse.stop());
    child.on('message', (event: TrainerEvent) => {
      if (event.kind === 'probed') resolve(event);
      else if (event.kind === 'failed') reject(new Error(event.failure.message));
      else child.send({ kind: 'written', events: 1 } satisfies TrainerCommand);
    });
    child.once('exit', (code) => reject(new Error(`the trainer ended with status ${code} before it reported`)));
    child.send({ kind: 'job', job } satisfies TrainerCommand);
  });
}
