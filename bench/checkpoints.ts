/**
 * What checkpoints of ConvNeXt-Tiny cost: bytes, seconds in the trainer (write, flush, rename) and in the worker (hash, flush, rename, beside
 * the training), and to go on from one; against the training of an epoch: `node --import tsx bench/checkpoints.ts [rounds]`.
 */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createLocalStore } from '../src/blobs/localStore.ts';
import { sizeOf } from '../src/domain/shape.ts';
import { openCheckpoint, type TrainingState, writeCheckpoint } from '../src/learner/checkpointFile.ts';
import { createLearner } from '../src/learner/learner.ts';
import { casesOf, openOurs, threads } from './contenders.ts';

const rounds = Number(process.argv[2] ?? 5);
/** Training images of the paddy recipe in an epoch. */
const epochImages = 8320;

const [c] = casesOf('ConvNeXt-Tiny');
if (!c) throw new Error('there is no such case');
const { engine, model, weights, random, inputs } = await openOurs(c);
const options = { batchSize: c.batch, effectiveBatchSize: 2 * c.batch, weightDecay: 0.01 };
const learner = await createLearner({ engine, model, weights, ...options });
const labels = Int32Array.from({ length: c.batch }, () => random.integer(10));
const masks = Object.fromEntries(
  model.masks.map(({ name, shape }) => [name, new Float32Array(c.batch * sizeOf(shape)).fill(1)]),
);
const fit = await learner.begin(false);
const accumulate = () => fit.accumulate({ inputs, labels, masks });
await accumulate();
await fit.update({ learningRates: [1e-5, 1e-5], momentum: 0.9 });

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;
const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
};

const steps: number[] = [];
for (let i = 0; i < rounds; i++) {
  steps.push(
    await seconds(async () => {
      await accumulate();
      await accumulate();
    }),
  );
  await fit.update({ learningRates: [1e-5, 1e-5], momentum: 0.9 });
}
const epoch = (median(steps) / (2 * c.batch)) * epochImages;

const folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-checkpoints-'));
const blobs = createLocalStore(path.join(folder, 'blobs'));
const file = path.join(folder, 'checkpoint.safetensors');
const header = { fingerprint: 'bench', attempt: 1 };
const reporter: TrainingState['reporter'] = {
  ...{ epoch: 0, step: 0, epochElapsed: 0, epochTraining: 0, elapsed: 0, finishedTrainingAfter: 0, training: 0 },
  ...{ peak: 0, epochPeak: 0 },
};
const fitState = { epoch: 0, batch: 1, samples: 0, smoothedLoss: { mean: 1, count: 1 }, steps: fit.state };
const cases = [
  { name: 'within an epoch, gradients accumulated', state: { fit: 1, fitState, reporter }, gradients: true },
  { name: 'after an epoch', state: { fit: 1, fitState, reporter }, gradients: false },
  { name: 'after a fit, without moments', state: { fit: 2, fitState: null, reporter }, gradients: false },
];
console.log(
  `${c.name}, ${threads} threads: an epoch of ${epochImages} images trains for ${epoch.toFixed(0)} s; medians of ${rounds}`,
);
for (const { name, state, gradients } of cases) {
  if (gradients) await accumulate();
  const [written, adopted, verified, restored]: [number[], number[], number[], number[]] = [[], [], [], []];
  let bytes = 0;
  for (let i = 0; i < rounds; i++) {
    written.push(await seconds(() => writeCheckpoint(file, header, state, learner)));
    bytes = (await stat(file)).size;
    let hash = '';
    adopted.push(await seconds(async () => ({ hash } = await blobs.adopt(file))));
    const stored = await blobs.local(hash);
    verified.push(
      await seconds(async () => {
        const sha = createHash('sha256');
        for await (const chunk of createReadStream(stored) as AsyncIterable<Uint8Array>) sha.update(chunk);
        if (sha.digest('hex') !== hash) throw new Error('the blob is damaged');
      }),
    );
    const checkpoint = await openCheckpoint(stored, header.fingerprint);
    restored.push(await seconds(() => checkpoint.restore(learner)));
    await checkpoint.close();
    await blobs.delete(hash);
  }
  const share = ((100 * median(written)) / epoch).toFixed(2);
  const [w, a, v, r] = [written, adopted, verified, restored].map((times) => median(times).toFixed(2));
  console.log(
    `${name}: ${(bytes / 1e6).toFixed(0)} MB, trainer ${w} s (${share} % of the epoch), worker ${a} s; to go on: hash ${v} s, restore ${r} s`,
  );
  if (gradients) await fit.update({ learningRates: [1e-5, 1e-5], momentum: 0.9 });
}
await fit.dispose();
await learner.dispose();
await engine.dispose();
await rm(folder, { recursive: true });
